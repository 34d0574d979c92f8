CREATE TABLE "gridcall"."resource_capabilities" (
	"resource_id" text collate "C" PRIMARY KEY NOT NULL,
	"capability" json NOT NULL,
	"learned_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."resource_conditions" (
	"resource_id" text collate "C" PRIMARY KEY NOT NULL,
	"external_limit_w" double precision,
	"external_source" text,
	"override_since" bigint,
	"at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "gridcall"."setpoints" ADD COLUMN "strategy" text;--> statement-breakpoint
ALTER TABLE "gridcall"."setpoints" ADD COLUMN "observed_at" bigint;--> statement-breakpoint
ALTER TABLE "gridcall"."setpoints" ADD COLUMN "observed_w" double precision;