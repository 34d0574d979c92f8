import { create } from 'xmlbuilder2'
import type { BankAccount } from '#domain/bank-account.ts'
import { type CreditTransferFile, decimalEuros } from '#domain/credit-transfer.ts'
import { assert } from '#domain/errors.ts'
import { sepaText } from '#domain/sepa-text.ts'
import { formatInstant } from '#domain/time.ts'

const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09'

/**
 * The file that a bank takes for SEPA credit transfers: ISO 20022 pain.001.001.09 within the EPC's
 * customer-to-bank guidelines. The same input is the same bytes.
 */
export function pain001({ messageId, createdAt, debtor, transfers }: CreditTransferFile): string {
  assert(transfers.length > 0, 'a payment file holds at least one payment')
  const count = String(transfers.length)
  const sum = decimalEuros(transfers.reduce((total, { cents }) => total + cents, 0n))
  const created = formatInstant(createdAt)
  const tree = {
    Document: {
      '@xmlns': NAMESPACE,
      CstmrCdtTrfInitn: {
        GrpHdr: {
          MsgId: messageId,
          CreDtTm: created,
          NbOfTxs: count,
          CtrlSum: sum,
          InitgPty: { Nm: nameOf(debtor) },
        },
        PmtInf: {
          PmtInfId: messageId,
          PmtMtd: 'TRF',
          BtchBookg: 'true',
          NbOfTxs: count,
          CtrlSum: sum,
          PmtTpInf: { SvcLvl: { Cd: 'SEPA' } },
          ReqdExctnDt: { Dt: created.slice(0, 10) },
          Dbtr: { Nm: nameOf(debtor) },
          DbtrAcct: accountOf(debtor),
          // With an IBAN the bank is known; this is how ISO 20022 says so.
          DbtrAgt: { FinInstnId: { Othr: { Id: 'NOTPROVIDED' } } },
          ChrgBr: 'SLEV',
          CdtTrfTxInf: transfers.map(({ endToEndId, cents, creditor, remittance }) => ({
            PmtId: { EndToEndId: endToEndId },
            Amt: { InstdAmt: { '@Ccy': 'EUR', '#': decimalEuros(cents) } },
            Cdtr: { Nm: nameOf(creditor) },
            CdtrAcct: accountOf(creditor),
            RmtInf: { Ustrd: sepaText(remittance, 140) },
          })),
        },
      },
    },
  }
  return `${create({ version: '1.0', encoding: 'UTF-8' }, tree).end({ prettyPrint: true })}\n`
}

function nameOf({ name }: { readonly name: string }): string {
  return sepaText(name, 70)
}

function accountOf({ iban }: BankAccount) {
  return { Id: { IBAN: iban } }
}
