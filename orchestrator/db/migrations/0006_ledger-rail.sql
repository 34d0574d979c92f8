CREATE TABLE "gridcall"."pool_accounts" (
	"account" text PRIMARY KEY NOT NULL,
	"debits_pending" numeric(78, 0) NOT NULL,
	"debits_posted" numeric(78, 0) NOT NULL,
	"credits_pending" numeric(78, 0) NOT NULL,
	"credits_posted" numeric(78, 0) NOT NULL,
	CONSTRAINT "nothing_below_zero" CHECK ("gridcall"."pool_accounts"."debits_pending" >= 0 AND "gridcall"."pool_accounts"."credits_pending" >= 0),
	CONSTRAINT "nothing_overdrawn" CHECK (CASE WHEN "gridcall"."pool_accounts"."account" = 'bank' THEN "gridcall"."pool_accounts"."credits_posted" <= "gridcall"."pool_accounts"."debits_posted" ELSE "gridcall"."pool_accounts"."debits_pending" + "gridcall"."pool_accounts"."debits_posted" <= "gridcall"."pool_accounts"."credits_posted" END)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_claims" (
	"payout_index" integer PRIMARY KEY NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	CONSTRAINT "something_paid" CHECK ("gridcall"."pool_claims"."amount" > 0)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_epochs" (
	"id" integer PRIMARY KEY NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."pool_epochs"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_requests" (
	"id" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_setup" (
	"id" integer PRIMARY KEY NOT NULL,
	"body" json NOT NULL,
	CONSTRAINT "one_row" CHECK ("gridcall"."pool_setup"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "gridcall"."pool_transfers" (
	"id" text PRIMARY KEY NOT NULL,
	"ordinal" bigserial NOT NULL,
	"kind" text NOT NULL,
	"pending_id" text,
	"debit" text NOT NULL,
	"credit" text NOT NULL,
	"amount" numeric(78, 0) NOT NULL,
	"at" bigint NOT NULL,
	CONSTRAINT "something_moves" CHECK ("gridcall"."pool_transfers"."amount" > 0 AND "gridcall"."pool_transfers"."debit" <> "gridcall"."pool_transfers"."credit"),
	CONSTRAINT "kind_known" CHECK ("gridcall"."pool_transfers"."kind" IN ('posted', 'pending', 'post', 'void')),
	CONSTRAINT "ends_one" CHECK (("gridcall"."pool_transfers"."kind" IN ('post', 'void')) = ("gridcall"."pool_transfers"."pending_id" IS NOT NULL))
);
--> statement-breakpoint
CREATE UNIQUE INDEX "pool_transfers_ordinal_index" ON "gridcall"."pool_transfers" USING btree ("ordinal");--> statement-breakpoint
CREATE UNIQUE INDEX "pool_transfers_pending_id_kind_index" ON "gridcall"."pool_transfers" USING btree ("pending_id","kind");--> statement-breakpoint
CREATE INDEX "pool_transfers_debit_index" ON "gridcall"."pool_transfers" USING btree ("debit");--> statement-breakpoint
CREATE INDEX "pool_transfers_credit_index" ON "gridcall"."pool_transfers" USING btree ("credit");--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."pool_setup"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "gridcall"."pool_transfers"
  FOR EACH STATEMENT EXECUTE FUNCTION "gridcall"."refuse_change"();
