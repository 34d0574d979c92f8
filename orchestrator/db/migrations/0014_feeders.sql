CREATE TABLE "gridcall"."feeders" (
	"congestion_point_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "feeders_congestion_point_id_version_pk" PRIMARY KEY("congestion_point_id","version")
);
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."feeders"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
