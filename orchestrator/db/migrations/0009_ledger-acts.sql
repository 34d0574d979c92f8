CREATE TABLE "gridcall"."pool_guard" (
	"id" integer PRIMARY KEY NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."pool_guard"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_verifier_sets" (
	"set_id" integer PRIMARY KEY NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."pool_verifier_sets"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
