ALTER TABLE "gridcall"."promises" DROP CONSTRAINT "promised_once";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" DROP CONSTRAINT "promises_length";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" RENAME COLUMN "period_start" TO "run_start";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" RENAME COLUMN "period_end" TO "run_end";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" RENAME CONSTRAINT "promises_resource_id_period_start_pk" TO "promises_resource_id_run_start_pk";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD COLUMN "period_seconds" integer;
--> statement-breakpoint
UPDATE "gridcall"."promises" SET "period_seconds" = ("run_end" - "run_start") / 1000;
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ALTER COLUMN "period_seconds" SET NOT NULL;
--> statement-breakpoint
-- Periods of one length that follow each other without a break become one row: the exclusion
-- constraint costs per row.
WITH run AS (
  SELECT "resource_id", min("run_start") AS "run_start", max("run_end") AS "run_end"
  FROM (
    SELECT *, "run_start" - 1000::bigint * "period_seconds" * row_number() OVER (
      PARTITION BY "resource_id", "call_id", "role", "period_seconds" ORDER BY "run_start"
    ) AS "unbroken"
    FROM "gridcall"."promises"
  ) AS one
  GROUP BY "resource_id", "call_id", "role", "period_seconds", "unbroken"
  HAVING count(*) > 1 AND max("run_end") - min("run_start") <= 86400000
), gone AS (
  DELETE FROM "gridcall"."promises" AS rest USING run
  WHERE rest."resource_id" = run."resource_id"
    AND rest."run_start" > run."run_start" AND rest."run_start" < run."run_end"
)
UPDATE "gridcall"."promises" AS head SET "run_end" = run."run_end" FROM run
WHERE head."resource_id" = run."resource_id" AND head."run_start" = run."run_start";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD CONSTRAINT "promises_length" CHECK ("gridcall"."promises"."run_end" > "gridcall"."promises"."run_start" AND "gridcall"."promises"."run_end" <= "gridcall"."promises"."run_start" + 86400000);
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD CONSTRAINT "promises_whole_periods" CHECK ("gridcall"."promises"."period_seconds" > 0 AND ("gridcall"."promises"."run_end" - "gridcall"."promises"."run_start") % (1000::bigint * "gridcall"."promises"."period_seconds") = 0);
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD CONSTRAINT "promised_once"
  EXCLUDE USING gist ("resource_id" WITH =, int8range("run_start", "run_end") WITH &&);
