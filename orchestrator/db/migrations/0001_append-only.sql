-- What has been recorded stays as it was recorded: a correction is another row.
CREATE FUNCTION "gridcall"."refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%.% is append-only: % is refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation';
END
$$;
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."events"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."evidence"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."ledger_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
