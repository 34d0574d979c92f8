CREATE SCHEMA "gridcall";
--> statement-breakpoint
CREATE TABLE "gridcall"."calls" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"dso_id" text collate "C" NOT NULL,
	"congestion_point_id" text collate "C" NOT NULL,
	"requested_at" bigint NOT NULL,
	"window_start" bigint NOT NULL,
	"window_end" bigint NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."clock_anchor" (
	"id" integer PRIMARY KEY NOT NULL,
	"wall_ms" double precision NOT NULL,
	"business_ms" bigint NOT NULL,
	"speed" double precision NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."clock_anchor"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."congestion_points" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"dso_id" text collate "C" NOT NULL,
	"name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."ibans" (
	"owner_id" text collate "C" PRIMARY KEY NOT NULL,
	"iban" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."organisations" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"address" text,
	"aggregator_share_bp" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."owners" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"aggregator_id" text collate "C" NOT NULL,
	"payout" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."programs" (
	"dso_id" text collate "C" PRIMARY KEY NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."promises" (
	"resource_id" text collate "C" NOT NULL,
	"period_start" bigint NOT NULL,
	"call_id" text collate "C" NOT NULL,
	CONSTRAINT "promises_resource_id_period_start_pk" PRIMARY KEY("resource_id","period_start")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."readings" (
	"resource_id" text collate "C" NOT NULL,
	"at" bigint NOT NULL,
	"power_w" bigint,
	"register_wh" bigint NOT NULL,
	"soc_bp" integer,
	"quality" text NOT NULL,
	"received_at" bigint NOT NULL,
	"gateway_id" text collate "C" NOT NULL,
	"sequence" bigint NOT NULL,
	"previous_hash" text NOT NULL,
	"hash" text NOT NULL,
	"signature" text NOT NULL,
	CONSTRAINT "readings_resource_id_at_pk" PRIMARY KEY("resource_id","at")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."resource_health" (
	"resource_id" text collate "C" PRIMARY KEY NOT NULL,
	"connected" boolean NOT NULL,
	"since" bigint NOT NULL,
	"detail" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."resources" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"site_id" text collate "C" NOT NULL,
	"owner_id" text collate "C" NOT NULL,
	"aggregator_id" text collate "C" NOT NULL,
	"congestion_point_id" text collate "C" NOT NULL,
	"rating" json NOT NULL,
	"offer" json NOT NULL,
	"connection" json NOT NULL,
	"enrolled_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."sessions" (
	"resource_id" text collate "C" NOT NULL,
	"started_at" bigint NOT NULL,
	"ended_at" bigint,
	"energy_needed_wh" double precision,
	"departure_at" bigint,
	"start_register_wh" double precision,
	CONSTRAINT "sessions_resource_id_started_at_pk" PRIMARY KEY("resource_id","started_at")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."setpoints" (
	"resource_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"ordinal" bigserial NOT NULL,
	"call_id" text collate "C" NOT NULL,
	"power_w" double precision,
	"valid_from" bigint NOT NULL,
	"valid_until" bigint NOT NULL,
	"ordered_at" bigint NOT NULL,
	"acknowledged_at" bigint,
	"effective_at" bigint,
	"effective_w" double precision,
	"refusal" text,
	CONSTRAINT "setpoints_resource_id_version_pk" PRIMARY KEY("resource_id","version")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."sites" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"aggregator_id" text collate "C" NOT NULL,
	"owner_id" text collate "C" NOT NULL,
	"congestion_point_id" text collate "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."api_keys" (
	"key_sha256" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"organisation_id" text collate "C" NOT NULL,
	"owner_id" text collate "C"
);
--> statement-breakpoint
CREATE TABLE "gridcall"."attestations" (
	"subject" text NOT NULL,
	"subject_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"verifier_key" text NOT NULL,
	"verifier" text NOT NULL,
	"ordinal" bigserial NOT NULL,
	"signature" text NOT NULL,
	CONSTRAINT "attestations_subject_subject_id_version_verifier_key_pk" PRIMARY KEY("subject","subject_id","version","verifier_key")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."chain_cursor" (
	"id" integer PRIMARY KEY NOT NULL,
	"block" bigint NOT NULL,
	"hash" text NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."chain_cursor"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."chain_events" (
	"transaction_hash" text NOT NULL,
	"log_index" integer NOT NULL,
	"ordinal" bigserial NOT NULL,
	"kind" text NOT NULL,
	"request_id" text,
	"block" bigint NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "chain_events_transaction_hash_log_index_pk" PRIMARY KEY("transaction_hash","log_index")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."chain_identity" (
	"id" integer PRIMARY KEY NOT NULL,
	"chain_id" bigint NOT NULL,
	"genesis_hash" text NOT NULL,
	"pool" text NOT NULL,
	"token" text NOT NULL,
	"registry" text NOT NULL,
	"fee_receiver" text NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."chain_identity"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."chain_intents" (
	"business_key" text PRIMARY KEY NOT NULL,
	"ordinal" bigserial NOT NULL,
	"kind" text NOT NULL,
	"intent" json NOT NULL,
	"state" text NOT NULL,
	"hash" text,
	"nonce" bigint,
	"raw" text,
	"reason" text
);
--> statement-breakpoint
CREATE TABLE "gridcall"."chain_transactions" (
	"hash" text PRIMARY KEY NOT NULL,
	"business_key" text NOT NULL,
	"nonce" bigint NOT NULL,
	"raw" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."events" (
	"sequence" bigint PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"at" bigint NOT NULL,
	"call_id" text collate "C",
	"resource_id" text collate "C",
	"organisation_ids" json NOT NULL,
	"owner_id" text collate "C",
	"notice" boolean NOT NULL,
	"message" text NOT NULL,
	"data" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."evidence" (
	"call_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"bundle" text NOT NULL,
	CONSTRAINT "evidence_call_id_version_pk" PRIMARY KEY("call_id","version")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."ledger_entries" (
	"ordinal" bigserial PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"account" text NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."ledger_postings" (
	"key" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."payout_epochs" (
	"epoch" integer PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"new_total" numeric(78, 0) NOT NULL,
	"created_at" bigint NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."payout_receipts" (
	"epoch" integer NOT NULL,
	"owner_id" text collate "C" NOT NULL,
	"route" text NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"paid_cents" numeric(78, 0) NOT NULL,
	"carried" numeric(78, 0) NOT NULL,
	"lines" json NOT NULL,
	CONSTRAINT "payout_receipts_epoch_owner_id_pk" PRIMARY KEY("epoch","owner_id")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."refusals" (
	"subject" text NOT NULL,
	"subject_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"verifier_key" text NOT NULL,
	"verifier" text NOT NULL,
	"ordinal" bigserial NOT NULL,
	"line" text NOT NULL,
	"expected" text NOT NULL,
	"got" text NOT NULL,
	CONSTRAINT "refusals_subject_subject_id_version_verifier_key_pk" PRIMARY KEY("subject","subject_id","version","verifier_key")
);
--> statement-breakpoint
CREATE TABLE "gridcall"."requests" (
	"organisation_id" text collate "C" NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer NOT NULL,
	"body" text NOT NULL,
	CONSTRAINT "requests_organisation_id_key_pk" PRIMARY KEY("organisation_id","key")
);
--> statement-breakpoint
CREATE INDEX "calls_state_index" ON "gridcall"."calls" USING btree ("state");--> statement-breakpoint
CREATE INDEX "calls_dso_id_index" ON "gridcall"."calls" USING btree ("dso_id");--> statement-breakpoint
CREATE INDEX "calls_congestion_point_id_index" ON "gridcall"."calls" USING btree ("congestion_point_id");--> statement-breakpoint
CREATE INDEX "owners_aggregator_id_index" ON "gridcall"."owners" USING btree ("aggregator_id");--> statement-breakpoint
CREATE INDEX "promises_call_id_index" ON "gridcall"."promises" USING btree ("call_id");--> statement-breakpoint
CREATE INDEX "readings_gateway_id_resource_id_sequence_index" ON "gridcall"."readings" USING btree ("gateway_id","resource_id","sequence");--> statement-breakpoint
CREATE INDEX "resources_congestion_point_id_index" ON "gridcall"."resources" USING btree ("congestion_point_id");--> statement-breakpoint
CREATE INDEX "resources_aggregator_id_index" ON "gridcall"."resources" USING btree ("aggregator_id");--> statement-breakpoint
CREATE INDEX "resources_owner_id_index" ON "gridcall"."resources" USING btree ("owner_id");--> statement-breakpoint
CREATE INDEX "setpoints_call_id_ordinal_index" ON "gridcall"."setpoints" USING btree ("call_id","ordinal");--> statement-breakpoint
CREATE UNIQUE INDEX "chain_events_ordinal_index" ON "gridcall"."chain_events" USING btree ("ordinal");--> statement-breakpoint
CREATE INDEX "chain_events_kind_index" ON "gridcall"."chain_events" USING btree ("kind");--> statement-breakpoint
CREATE INDEX "chain_events_request_id_index" ON "gridcall"."chain_events" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "chain_intents_state_ordinal_index" ON "gridcall"."chain_intents" USING btree ("state","ordinal");--> statement-breakpoint
CREATE INDEX "chain_transactions_business_key_index" ON "gridcall"."chain_transactions" USING btree ("business_key");--> statement-breakpoint
CREATE INDEX "events_call_id_index" ON "gridcall"."events" USING btree ("call_id");--> statement-breakpoint
CREATE INDEX "ledger_entries_account_index" ON "gridcall"."ledger_entries" USING btree ("account");--> statement-breakpoint
CREATE INDEX "ledger_entries_key_index" ON "gridcall"."ledger_entries" USING btree ("key");--> statement-breakpoint
CREATE INDEX "payout_receipts_owner_id_index" ON "gridcall"."payout_receipts" USING btree ("owner_id");