import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { secureHeaders } from 'hono/secure-headers'
import { notFound } from './problem.ts'

const PAGES = ['dso', 'aggregator', 'owner', 'operator'] as const

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
}

/** Nothing from elsewhere, nothing inline: what a page may load and where it may send. */
export function headersFor(styles: string[]) {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      objectSrc: ["'none'"],
      imgSrc: ["'self'", 'data:'],
      styleSrc: styles,
    },
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
  })
}

const pageHeaders = headersFor(["'self'"])

/**
 * The built pages, one per role. They hold no data: whoever opens one enters a key, and everything
 * shown comes from the API with it.
 */
export function pages(folder: string | null) {
  const app = new Hono()
  app.get('/', pageHeaders, (c) => c.html(FRONT))
  for (const page of PAGES) {
    app.get(`/${page}/`, (c) => c.redirect(`/${page}`))
    app.get(`/${page}`, pageHeaders, async (c) => {
      const built = folder === null ? null : await readPage(folder, `${page}/index.html`)
      if (built === null) return c.html(notBuilt(page), 503)
      return send(c, built, 'html', 'no-cache')
    })
  }
  app.get('/assets/:path{.+}', pageHeaders, async (c) => {
    const path = c.req.param('path')
    const file = folder === null ? null : await readPage(folder, `assets/${path}`)
    if (file === null) throw notFound()
    const type = /\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''
    // Vite puts a hash of the content into the name.
    return send(c, file, type, 'public, max-age=31536000, immutable')
  })
  return app
}

function send(c: Context, file: Uint8Array<ArrayBuffer>, type: string, cache: string) {
  const contentType = TYPES[type] ?? 'application/octet-stream'
  return c.body(file, 200, { 'content-type': contentType, 'cache-control': cache })
}

/** Names as the build makes them; none of them climbs out of the folder. */
const PATH = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/

/** A file below the folder; null for what is not there. */
async function readPage(folder: string, path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!PATH.test(path)) return null
  try {
    return new Uint8Array(await readFile(join(folder, path)))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return null
    throw error
  }
}

const FRONT = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Gridcall</title>
    </head>
    <body>
      <main>
        <h1>Gridcall</h1>
        <ul>
          <li><a href="/dso">For grid operators</a></li>
          <li><a href="/aggregator">For aggregators</a></li>
          <li><a href="/owner">For device owners</a></li>
          <li><a href="/operator">For the operator</a></li>
          <li><a href="/docs">The API</a></li>
        </ul>
      </main>
    </body>
  </html>`

function notBuilt(page: string): string {
  return (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Gridcall</title>' +
    `<p>The page "${page}" has not been built. The API is documented at <a href="/docs">/docs</a>.`
  )
}
