import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Statement } from '#domain/statement.ts'
import { invoiceDso } from '#lifecycle/invoice-dso.ts'
import { reconcileProgram } from '#lifecycle/reconcile-program.ts'
import { stateEarnings } from '#lifecycle/state-earnings.ts'
import { type ApiEnv, forRoles, ownerOf } from '../auth.ts'
import type { ApiContext } from '../context.ts'
import { statementCsv } from '../documents/statement-csv.ts'
import { statementPdf } from '../documents/statement-pdf.ts'
import { notFound } from '../problem.ts'
import { OrganisationIdText, OwnerIdText } from '../schemas.ts'

const query = z.strictObject({
  month: z
    .string()
    .max(10)
    .optional()
    .openapi({
      example: '2024-01',
      description: 'By the local time of the programme; absent: the one that runs',
    })
    .transform((text) => text ?? null),
  format: z.enum(['pdf', 'csv']).default('pdf'),
})
const ofDso = { params: z.object({ dsoId: OrganisationIdText }), query }
const file = { schema: z.string().openapi({ format: 'binary' }) }
const responses = {
  200: {
    content: { 'application/pdf': file, 'text/csv': { schema: z.string() } },
    description: 'The document; the same figures are the same bytes',
  },
}
const reconciled =
  'One line per amount with what the pool’s events, the ledger and the documents say, and the ' +
  'difference. The header gridcall-reconciled says whether all differences are 0.'

const ownerStatement = createRoute({
  method: 'get',
  path: '/v1/owner/statement',
  summary: 'What your devices earned in a month, why, and what was paid',
  ...forRoles('owner'),
  request: { query },
  responses,
})
const aggregatorStatement = createRoute({
  method: 'get',
  path: '/v1/aggregator/owners/{ownerId}/statement',
  summary: 'The statement of one of your owners',
  ...forRoles('aggregator'),
  request: { params: z.object({ ownerId: OwnerIdText }), query },
  responses,
})
const dsoInvoice = createRoute({
  method: 'get',
  path: '/v1/dso/invoice',
  summary: 'Invoice and credit note of a month, per request',
  ...forRoles('dso'),
  request: { query },
  responses,
})
const dsoReconciliation = createRoute({
  method: 'get',
  path: '/v1/dso/reconciliation',
  summary: 'Your programme’s month: events, ledger and payments side by side',
  description: reconciled,
  ...forRoles('dso'),
  request: { query },
  responses,
})
const operatorInvoice = createRoute({
  method: 'get',
  path: '/v1/operator/dsos/{dsoId}/invoice',
  summary: 'The invoice and credit note of a DSO',
  ...forRoles('operator'),
  request: ofDso,
  responses,
})
const operatorReconciliation = createRoute({
  method: 'get',
  path: '/v1/operator/dsos/{dsoId}/reconciliation',
  summary: 'The reconciliation of a DSO’s programme',
  description: reconciled,
  ...forRoles('operator'),
  request: ofDso,
  responses,
})

/** Said where the operator has set nothing else: a statement of fact, no advice. */
const TAX_NOTE = 'No VAT is shown: the operator has not set how it is treated.'

/** Documents of a month for owners, DSOs and the operator, as PDF and CSV. */
export function statementRoutes({ ports, taxNote = TAX_NOTE }: ApiContext) {
  const isDso = async (id: Parameters<typeof invoiceDso>[1]) => {
    const dso = await ports.store.transaction((tx) => tx.organisations.find(id))
    if (dso?.kind !== 'dso') throw notFound()
  }
  return new OpenAPIHono<ApiEnv>()
    .openapi(ownerStatement, async (c) => {
      const { month, format } = c.req.valid('query')
      return send(c, format, await stateEarnings(ports, ownerOf(c.get('key')), month))
    })
    .openapi(aggregatorStatement, async (c) => {
      const { ownerId } = c.req.valid('param')
      const { month, format } = c.req.valid('query')
      const owner = await ports.store.transaction((tx) => tx.resources.owner(ownerId))
      if (owner?.aggregatorId !== c.get('key').organisationId) throw notFound()
      return send(c, format, await stateEarnings(ports, ownerId, month))
    })
    .openapi(dsoInvoice, async (c) => {
      const { month, format } = c.req.valid('query')
      const { organisationId } = c.get('key')
      return send(c, format, await invoiceDso(ports, organisationId, month, taxNote))
    })
    .openapi(dsoReconciliation, async (c) => {
      const { month, format } = c.req.valid('query')
      return sendReconciled(
        c,
        format,
        await reconcileProgram(ports, c.get('key').organisationId, month),
      )
    })
    .openapi(operatorInvoice, async (c) => {
      const { dsoId } = c.req.valid('param')
      const { month, format } = c.req.valid('query')
      await isDso(dsoId)
      return send(c, format, await invoiceDso(ports, dsoId, month, taxNote))
    })
    .openapi(operatorReconciliation, async (c) => {
      const { dsoId } = c.req.valid('param')
      const { month, format } = c.req.valid('query')
      await isDso(dsoId)
      return sendReconciled(c, format, await reconcileProgram(ports, dsoId, month))
    })
}

type Format = 'pdf' | 'csv'

function sendReconciled(
  c: Context,
  format: Format,
  found: Awaited<ReturnType<typeof reconcileProgram>>,
) {
  c.header('gridcall-reconciled', String(found.reconciled))
  return send(c, format, found.statement)
}

async function send(c: Context, format: Format, statement: Statement) {
  c.header('content-disposition', `attachment; filename="${statement.number}.${format}"`)
  return format === 'csv'
    ? c.body(statementCsv(statement), 200, { 'content-type': 'text/csv; charset=utf-8' })
    : c.body(await statementPdf(statement), 200, { 'content-type': 'application/pdf' })
}
