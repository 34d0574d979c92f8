CREATE TABLE "gridcall"."bank_accounts" (
	"holder" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"key_id" text NOT NULL,
	"wrapped_key" text,
	"sealed" text NOT NULL,
	"from" bigint NOT NULL,
	"refused" text,
	CONSTRAINT "bank_accounts_holder_version_pk" PRIMARY KEY("holder","version")
);

--> statement-breakpoint
CREATE TABLE "gridcall"."payment_files" (
	"epoch" integer PRIMARY KEY NOT NULL,
	"agent_id" text collate "C" NOT NULL,
	"debtor_version" integer NOT NULL,
	"created_at" bigint NOT NULL
);

--> statement-breakpoint
CREATE TABLE "gridcall"."payments" (
	"epoch" integer NOT NULL,
	"payee" text collate "C" NOT NULL,
	"account_version" integer NOT NULL,
	"cents" numeric(78, 0) NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	CONSTRAINT "payments_epoch_payee_pk" PRIMARY KEY("epoch","payee")
);

--> statement-breakpoint
ALTER TABLE "gridcall"."organisations" ADD COLUMN "minimum_payout_cents" numeric(78, 0);
--> statement-breakpoint
ALTER TABLE "gridcall"."owners" ADD COLUMN "announced" json;
--> statement-breakpoint
CREATE INDEX "payments_payee_index" ON "gridcall"."payments" USING btree ("payee");
--> statement-breakpoint
DROP TABLE "gridcall"."ibans" CASCADE;
