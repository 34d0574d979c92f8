CREATE EXTENSION IF NOT EXISTS "btree_gist" WITH SCHEMA "gridcall";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD COLUMN "period_end" bigint;
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD COLUMN "role" text DEFAULT 'order' NOT NULL;
--> statement-breakpoint
-- A program of before knew starts only, and could promise what began inside a longer period: that
-- one is cut where the next begins, so that nothing stands twice and nothing is lost.
UPDATE "gridcall"."promises" AS mine
SET "period_end" = LEAST(whole."period_end", whole."next_start")
FROM (
  SELECT one."resource_id", one."period_start",
    one."period_start" + 1000 *
      COALESCE((call."body" -> 'program' ->> 'settlementPeriodSeconds')::bigint, 900) AS "period_end",
    lead(one."period_start") OVER (
      PARTITION BY one."resource_id" ORDER BY one."period_start"
    ) AS "next_start"
  FROM "gridcall"."promises" AS one
  LEFT JOIN "gridcall"."calls" AS call ON call."id" = one."call_id"
) AS whole
WHERE mine."resource_id" = whole."resource_id" AND mine."period_start" = whole."period_start";
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ALTER COLUMN "period_end" SET NOT NULL;
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ALTER COLUMN "role" DROP DEFAULT;
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD CONSTRAINT "promises_length" CHECK ("gridcall"."promises"."period_end" > "gridcall"."promises"."period_start" AND "gridcall"."promises"."period_end" <= "gridcall"."promises"."period_start" + 86400000);
--> statement-breakpoint
ALTER TABLE "gridcall"."promises" ADD CONSTRAINT "promised_once"
  EXCLUDE USING gist ("resource_id" WITH =, int8range("period_start", "period_end") WITH &&);
