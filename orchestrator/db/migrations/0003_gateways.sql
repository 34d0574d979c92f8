CREATE TABLE "gridcall"."device_owners" (
	"resource_id" text collate "C" PRIMARY KEY NOT NULL,
	"gateway_id" text collate "C" NOT NULL,
	"since" bigint NOT NULL,
	"dialled_at" bigint NOT NULL,
	"is_held" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."gateways" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"public_key" text NOT NULL,
	"instance" text,
	"beat" bigint NOT NULL,
	"seen_at" bigint NOT NULL,
	"ocpp_url" text
);
--> statement-breakpoint
CREATE INDEX "device_owners_gateway_id_index" ON "gridcall"."device_owners" USING btree ("gateway_id");