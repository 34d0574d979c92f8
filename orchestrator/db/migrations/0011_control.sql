CREATE TABLE "gridcall"."emergency_stops" (
	"id" text PRIMARY KEY NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."owner_limits" (
	"resource_id" text collate "C" PRIMARY KEY NOT NULL,
	"body" json NOT NULL
);
