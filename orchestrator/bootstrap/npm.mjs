/** Runs npm as a script under a Node of our choice, and says in one sentence why it failed. */
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { runQuietly } from './child.mjs'
import { Refusal, root, runtimeFolder, windows } from './place.mjs'

/** Settings that say where packages come from are somebody's choice: the inner npm gets them. */
const sourceOfPackages =
  /^npm_config_(registry|cache|.*proxy|ca|cafile|strict_ssl|(user|global)config|@.*|\/\/.*)$/i

const noNetwork = /^(ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|E\w*UNREACH|E[45]\d\d|\w*CERT\w*)$/
const noAnswer = /\bERR_SOCKET_TIMEOUT\b|\bEIDLETIMEOUT\b|network request to .* failed/

/** npm as a script, so that it runs under any Node and needs no shell. */
function findNpm() {
  const nearby = (folder) => [
    join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(folder, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(folder, '..', 'share', 'nodejs', 'npm', 'bin', 'npm-cli.js'),
  ]
  const outer = process.env.npm_execpath ?? ''
  const candidates = [
    ...(/^np[mx]-cli\.js$/.test(basename(outer)) ? [join(dirname(outer), 'npm-cli.js')] : []),
    ...nearby(dirname(process.execPath)),
    ...nearby(dirname(fs.realpathSync(process.execPath))),
  ]
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const command = join(folder, 'npm')
    if (folder !== '' && fs.existsSync(command)) {
      candidates.push(fs.realpathSync(command), ...nearby(folder))
    }
  }
  const npm = candidates.find((file) => basename(file) === 'npm-cli.js' && fs.existsSync(file))
  if (npm === undefined) {
    throw new Refusal('npm is needed to install packages; it is neither beside Node nor on PATH')
  }
  return npm
}

/** Without what an outer npm left: its settings would reach the inner npm and the command. */
export function cleanEnvironment(environment, { forNpm }) {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^npm_/i.test(name) || (forNpm && sourceOfPackages.test(name)),
  )
  const cleaned = Object.fromEntries(kept)
  delete cleaned.NODE // npm's note of the Node it ran under
  return cleaned
}

/** The sentence for what npm or a build printed before it failed. */
export function explain(output, { folder, cache, bytes, code }) {
  const named = /npm (?:error|ERR!) code (\S+)/.exec(output)?.[1]
  const found = named ?? /\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS)\b/.exec(output)?.[1] ?? ''
  if (/^(ENOSPC|EDQUOT)$/.test(found) || /no space left/i.test(output)) {
    const needed = `${(bytes / 1e9).toFixed(1)} GB`
    return `no disk space left: ${folder} needs ${needed}; free some and run the command again`
  }
  if (/^(EACCES|EPERM|EROFS)$/.test(found)) {
    return `cannot write: ${folder} and npm's cache ${cache} must be writable for this account`
  }
  if (noNetwork.test(found) || noAnswer.test(output)) {
    return (
      `the package registry does not answer as it should (${found || 'timeout'}): ` +
      `check the network, a proxy and npm's setting "registry", then run the command again`
    )
  }
  const last = output.trim().split('\n').slice(-12).join('\n')
  return `failed with ${code}; the last lines were:\n${last}`
}

/** npm's cache, or a folder of ours where the account has no home to write to. */
export function writableCache() {
  const usual = windows
    ? join(process.env.LOCALAPPDATA ?? homedir(), 'npm-cache')
    : join(homedir(), '.npm')
  const cache = process.env.npm_config_cache ?? process.env.NPM_CONFIG_CACHE ?? usual
  const canWrite = (folder) => {
    try {
      fs.accessSync(folder, fs.constants.W_OK)
      return true
    } catch {
      return false
    }
  }
  const content = join(cache, '_cacache')
  let existing = cache
  while (!fs.existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  const usable = canWrite(existing) && (!fs.existsSync(content) || canWrite(content))
  return usable ? cache : join(runtimeFolder, 'npm-cache')
}

/** Refuses before the work where the disk is known to be too small for it. */
export function refuseIfFull(folder, bytes) {
  if (fs.statfsSync === undefined) return // before Node 18.15; npm's own failure is explained too
  const { bavail, bsize } = fs.statfsSync(folder)
  const free = bavail * bsize
  if (free >= bytes) return
  const [needs, has] = [bytes, free].map((amount) => `${(amount / 1e9).toFixed(1)} GB`)
  throw new Refusal(
    `no disk space: ${folder} needs ${needs} and has ${has}; free some and run the command again`,
  )
}

/** Runs npm under `node`. `bytes` is what it may need in `folder`. */
export function runNpm(node, args, { folder, bytes }) {
  const cache = writableCache()
  const own = cache.startsWith(runtimeFolder) ? [`--cache=${cache}`] : []
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier']
  const impatient = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  return runQuietly(node, [findNpm(), ...args, ...quiet, ...impatient, ...own], {
    cwd: root,
    env: cleanEnvironment(process.env, { forNpm: true }),
    explain: (output, code) => explain(output, { folder, cache, bytes, code }),
  })
}
