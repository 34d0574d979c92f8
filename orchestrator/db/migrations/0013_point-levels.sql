CREATE TABLE "gridcall"."point_levels" (
	"congestion_point_id" text collate "C" PRIMARY KEY NOT NULL,
	"body" json NOT NULL
);
