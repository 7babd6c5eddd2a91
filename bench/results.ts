import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { Figure } from './figures/figure.ts'
import type { Disturbance } from './figures/machine.ts'

/** A run of the bench, as it is kept in a file. */
export interface Results {
  version: string
  /** The last commit that changed `src`, with a `+` if it is changed beyond that. */
  commit: string
  /** When it ended, RFC 3339. */
  date: string
  scale: string
  machine: Readonly<Record<string, string | number>>
  parts: PartResults[]
}

/** One part of it. */
export interface PartResults extends Disturbance {
  name: string
  about: string
  /** How long it took. */
  seconds: number
  sizes: Readonly<Record<string, number>>
  figures: Figure[]
}

/** What the figures depend on, besides the code. */
export function machine(): Results['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    linux: release(),
    node: process.version,
    redis: versionOf('redis-server', ['--version'], /v=([\d.]+)/),
  }
}

/** The version and commit that are measured. */
export function version(): Pick<Results, 'version' | 'commit'> {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const commit = versionOf('git', ['log', '-1', '--format=%h', '--', 'src'], /^(\w+)/)
  const isChanged =
    versionOf('git', ['--no-optional-locks', 'status', '--porcelain', '--', 'src'], /(.)/) !== 'unknown'
  return { version: manifest.version, commit: isChanged ? `${commit}+` : commit }
}

/** Results from a file; throws if it is none. */
export function readResults(file: string): Results {
  const results = JSON.parse(readFileSync(file, 'utf8')) as Results
  if (!Array.isArray(results.parts)) throw new Error(`${file} has no results of this bench`)
  return results
}

/** The results of `older` with the parts of `newer` in their place, so that a file can be filled part by part. */
export function merged(older: Results | undefined, newer: Results): Results {
  const replaced = new Set(newer.parts.map(({ name }) => name))
  return {
    ...newer,
    parts: [...(older?.parts.filter(({ name }) => !replaced.has(name)) ?? []), ...newer.parts],
  }
}

function versionOf(command: string, args: readonly string[], pattern: RegExp): string {
  try {
    return (
      pattern.exec(
        execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      )?.[1] ?? 'unknown'
    )
  } catch {
    return 'unknown'
  }
}
