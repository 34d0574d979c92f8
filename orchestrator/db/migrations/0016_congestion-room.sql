ALTER TABLE "gridcall"."congestion_points" ADD COLUMN "room" json;
