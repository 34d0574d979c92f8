import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { headersFor } from './pages.ts'

/** The part of an OpenAPI document that the page shows. */
type Schema = { readonly $ref?: string; readonly [name: string]: unknown }
type Operation = {
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { schema?: Schema }>> }
  readonly responses?: Readonly<
    Record<
      string,
      { description?: string; content?: Readonly<Record<string, { schema?: Schema }>> }
    >
  >
  readonly 'x-roles'?: readonly string[]
}
export type Document = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
details { border: 1px solid #8888; border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem }
summary { cursor: pointer; min-height: 24px }
code, pre { font-family: ui-monospace, monospace; font-size: .9rem }
pre { overflow-x: auto; background: #8881; padding: .6rem; border-radius: .3rem }
.method { font-weight: 700; text-transform: uppercase; margin-right: .5rem }
`

/** The page's one style is let through by its hash. */
export const docsHeaders = headersFor([
  `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
])

/**
 * The API's documentation as one page without scripts, made from the OpenAPI document itself: it
 * works offline and with any browser.
 */
export function docsPage(document: Document) {
  const paths = Object.entries(document.paths ?? {})
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <h1>${document.info.title} ${document.info.version}</h1>
          <p>${document.info.description ?? ''}</p>
          <p>For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
          ${paths.flatMap(([path, operations]) =>
            Object.entries(operations).map(([method, operation]) =>
              operationPart(method, path, operation),
            ),
          )}
        </main>
      </body>
    </html>`
}

function operationPart(method: string, path: string, operation: Operation) {
  const body = operation.requestBody?.content?.['application/json']?.schema
  const parameters = operation.parameters ?? []
  return html`<details>
    <summary>
      <span class="method">${method}</span><code>${path}</code> ${operation.summary ?? ''}
    </summary>
    ${operation.description === undefined ? '' : html`<p>${operation.description}</p>`}
    <p>For: ${(operation['x-roles'] ?? ['everybody']).join(', ')}</p>
    ${
      parameters.length === 0
        ? ''
        : html`<p>
            Parameters:
            ${parameters.map((p) => html`<code>${p.name}</code> (${p.in}) `)}
          </p>`
    }
    ${body === undefined ? '' : html`<p>Body:</p><pre>${JSON.stringify(body, null, 2)}</pre>`}
    ${Object.entries(operation.responses ?? {}).map(
      ([status, response]) =>
        html`<p>${status}: ${response.description ?? ''}</p>
          ${schemaPart(response.content?.['application/json']?.schema)}`,
    )}
  </details>`
}

function schemaPart(schema: Schema | undefined) {
  return schema === undefined ? '' : html`<pre>${JSON.stringify(schema, null, 2)}</pre>`
}
