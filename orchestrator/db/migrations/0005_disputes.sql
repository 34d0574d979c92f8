CREATE TABLE "gridcall"."disputes" (
	"call_id" text collate "C" NOT NULL,
	"resource_id" text collate "C" NOT NULL,
	"state" text NOT NULL,
	"text" text NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "disputes_call_id_resource_id_pk" PRIMARY KEY("call_id","resource_id")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."held_rests" (
	"id" text PRIMARY KEY NOT NULL,
	"call_id" text collate "C" NOT NULL,
	"state" text NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE INDEX "held_rests_call_id_index" ON "gridcall"."held_rests" USING btree ("call_id");--> statement-breakpoint
CREATE INDEX "held_rests_state_index" ON "gridcall"."held_rests" USING btree ("state");