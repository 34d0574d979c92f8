CREATE TABLE "gridcall"."armings" (
	"call_id" text collate "C" NOT NULL,
	"resource_id" text collate "C" NOT NULL,
	"is_open" boolean NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "armings_call_id_resource_id_pk" PRIMARY KEY("call_id","resource_id")
);
--> statement-breakpoint
CREATE INDEX "armings_resource_id_is_open_index" ON "gridcall"."armings" USING btree ("resource_id","is_open");
