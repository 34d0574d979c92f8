#!/usr/bin/env node
/**
 * Starts Gridcall on any Node 18 or newer: finds or brings a Node that runs TypeScript, installs
 * the packages under it, makes what is generated, then starts `orchestrator/cli.ts`.
 * Plain JavaScript without dependencies, because nothing is installed yet when it runs.
 */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { passSignalsOn, runCommand, runQuietly } from './orchestrator/bootstrap/child.mjs'
import { alone } from './orchestrator/bootstrap/install-lock.mjs'
import { knownNode, obtainNode } from './orchestrator/bootstrap/node-runtime.mjs'
import {
  cleanEnvironment,
  explain,
  refuseIfFull,
  runNpm,
  writableCache,
} from './orchestrator/bootstrap/npm.mjs'
import { readText, Refusal, root, runtimeFolder, say } from './orchestrator/bootstrap/place.mjs'

const packageBytes = 1_200e6

/** Commands that show no page, and should work while a page does not compile. */
const commandsWithoutPages = new Set(
  'help --help -h backtest bench check test:contracts test:interop chain dso opcua simulate verify'.split(
    ' ',
  ),
)

/** What is made from which sources; made again when one of them changed. In this order. */
const products = [
  {
    what: 'packages (0.8 GB, once)',
    verb: 'install',
    sources: ['package-lock.json'],
    output: 'node_modules',
    stamp: join('node_modules', '.gridcall-stamp'),
    make: installPackages,
  },
  {
    what: 'contracts',
    verb: 'build',
    sources: ['contracts', 'package-lock.json'],
    needs: join('contracts', 'generate.ts'),
    output: join('contracts', 'generated'),
    stamp: join('.runtime', 'contracts.stamp'),
    make: (node) => runScript(node, [join('contracts', 'generate.ts')]),
  },
  {
    what: 'web pages',
    verb: 'build',
    sources: ['dashboards', join('orchestrator', 'domain'), 'package-lock.json'],
    needs: join('dashboards', 'vite.config.ts'),
    output: join('dashboards', 'dist'),
    stamp: join('.runtime', 'pages.stamp'),
    isPage: true,
    make: (node) => {
      const vite = join('node_modules', 'vite', 'bin', 'vite.js')
      return runScript(node, [vite, 'build', 'dashboards', '--logLevel', 'warn'])
    },
  },
]

/** Development packages too: they build the pages. Scripts stay off; nothing of ours needs one. */
async function installPackages(node) {
  if (!fs.existsSync(join(root, 'node_modules'))) refuseIfFull(root, packageBytes)
  const everything = ['--include=dev', '--include=optional']
  await runNpm(node, ['ci', ...everything], { folder: root, bytes: packageBytes })
}

async function runScript(node, args) {
  const details = { folder: root, cache: writableCache(), bytes: 0.1e9 }
  await runQuietly(node, args, {
    cwd: root,
    env: cleanEnvironment(process.env, { forNpm: false }),
    explain: (output, code) => explain(output, { ...details, code }),
  })
}

/** Hash over names and contents; what is missing counts as empty, what is generated not at all. */
function hashOf(sources) {
  const hash = createHash('sha256')
  const add = (path) => {
    const file = join(root, path)
    const entry = fs.statSync(file, { throwIfNoEntry: false })
    if (entry === undefined) return
    if (!entry.isDirectory()) {
      hash.update(`${path}\0${entry.size}\0`).update(fs.readFileSync(file))
      return
    }
    for (const name of fs.readdirSync(file).sort()) {
      if (!/^(dist|generated|artifacts|cache|node_modules)$/.test(name)) add(join(path, name))
    }
  }
  for (const path of sources) add(path)
  return hash.digest('hex')
}

function stampOf({ sources }) {
  return `${hashOf(sources)} ${process.platform}-${process.arch}`
}

/** What has to be made before the command can start. */
function outdated(command) {
  return products.filter((product) => {
    if (product.needs !== undefined && !fs.existsSync(join(root, product.needs))) return false
    if (product.isPage && commandsWithoutPages.has(command)) return false
    if (!fs.existsSync(join(root, product.output))) return true
    return readText(join(root, product.stamp)) !== stampOf(product)
  })
}

/** Says what is made and how long it took. */
async function announce(verb, what, make) {
  const since = performance.now()
  const seconds = () => `${((performance.now() - since) / 1000).toFixed(1)} s`
  say(`${verb}ing ${what} …`)
  const reminder = setInterval(() => say(`still ${verb}ing ${what}, ${seconds()}`), 15_000)
  try {
    await make()
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(`${verb}ing ${what}: ${error.message}`)
    throw error
  } finally {
    clearInterval(reminder)
  }
  say(`${what}: done in ${seconds()}`)
}

async function makeOutdated(command) {
  const node = await obtainNode(announce)
  // Looked at again each time: another bootstrap may have made it, and the packages come first.
  for (let [next] = outdated(command); next !== undefined; [next] = outdated(command)) {
    const { verb, what, make, stamp } = next
    const made = stampOf(next)
    await announce(verb, what, () => make(node))
    fs.writeFileSync(join(root, stamp), made)
  }
  return node
}

/** Makes ready what the command needs; returns the Node to start it with. */
async function prepare(command) {
  const known = knownNode()
  if (known !== null && outdated(command).length === 0) return known
  try {
    fs.mkdirSync(runtimeFolder, { recursive: true })
    return await alone(() => makeOutdated(command))
  } catch (error) {
    if (error instanceof Refusal || error.code === undefined) throw error
    const details = { folder: root, cache: writableCache(), bytes: packageBytes, code: error.code }
    throw new Refusal(explain(`${error.code} ${error.message}`, details))
  }
}

async function main(args) {
  passSignalsOn()
  const since = performance.now()
  try {
    const node = await prepare(args[0] ?? 'help')
    const env = cleanEnvironment(process.env, { forNpm: false })
    // The demo reports it with its own times.
    env.GRIDCALL_INSTALL_SECONDS = ((performance.now() - since) / 1000).toFixed(1)
    env.PATH = [dirname(node), env.PATH].filter(Boolean).join(delimiter)
    const outcome = await runCommand(node, [join(root, 'orchestrator', 'cli.ts'), ...args], env)
    if (typeof outcome === 'number') {
      process.exitCode = outcome
    } else {
      process.removeAllListeners(outcome)
      process.kill(process.pid, outcome)
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    say(error.message)
    process.exitCode = 1
  }
}

const entry = process.argv[1]
if (entry !== undefined && fs.realpathSync(entry) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2))
}
