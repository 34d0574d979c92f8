CREATE TABLE "gridcall"."signed_records" (
	"resource_id" text collate "C" NOT NULL,
	"hash" text NOT NULL,
	"text" text NOT NULL,
	"at" bigint NOT NULL,
	"received_at" bigint NOT NULL,
	"gateway_id" text collate "C" NOT NULL,
	CONSTRAINT "signed_records_resource_id_hash_pk" PRIMARY KEY("resource_id","hash")
);
--> statement-breakpoint
ALTER TABLE "gridcall"."resources" ADD COLUMN "meter" json;--> statement-breakpoint
CREATE INDEX "signed_records_resource_id_at_index" ON "gridcall"."signed_records" USING btree ("resource_id","at");
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."signed_records"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
