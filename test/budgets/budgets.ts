import type {} from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** Of a test file, in a run that counts it: seconds of a core. */
    cpu?: number
  }
}

/** The most that the tests of a folder may cost in `npm test`, summed over their files. */
export interface Budget {
  /** Seconds of a core, with all programs that the tests start: much the same however loaded the machine is. */
  cpu: number
  /** Seconds from begin to end, as the files run side by side. */
  wall: number
}

/** The cost of one file. */
export interface Cost extends Budget {
  /** From `test/` on. */
  file: string
}

/**
 * By folder. `cpu` is about twice what was measured on two cores, `wall` several times, for machines that are slower or have more to do. A folder that
 * needs more makes `npm test` longer for everybody: look first for what can wait less, start less, or be shorter there and full in
 * `npm run test:long`.
 */
export const BUDGETS: Readonly<Record<string, Budget>> = {
  api: { cpu: 40, wall: 150 },
  architecture: { cpu: 10, wall: 30 },
  bridges: { cpu: 20, wall: 120 },
  browser: { cpu: 30, wall: 250 },
  budgets: { cpu: 3, wall: 10 },
  chaos: { cpu: 220, wall: 900 },
  cluster: { cpu: 80, wall: 400 },
  config: { cpu: 5, wall: 20 },
  core: { cpu: 10, wall: 80 },
  deploy: { cpu: 30, wall: 150 },
  development: { cpu: 8, wall: 30 },
  docs: { cpu: 12, wall: 90 },
  engines: { cpu: 80, wall: 700 },
  examples: { cpu: 60, wall: 400 },
  mutations: { cpu: 90, wall: 300 },
  process: { cpu: 16, wall: 120 },
  processes: { cpu: 100, wall: 700 },
  scripts: { cpu: 8, wall: 60 },
  sockets: { cpu: 45, wall: 300 },
  support: { cpu: 3, wall: 20 },
  webhooks: { cpu: 5, wall: 100 },
}

/** The folder with the budget that a file counts to. */
export function folderOf(file: string): string | undefined {
  return Object.keys(BUDGETS)
    .filter((folder) => file.startsWith(`${folder}/`))
    .sort((one, other) => other.length - one.length)[0]
}

/** The costs of each folder that has a budget, or of a file that none has. */
export function costsByFolder(costs: readonly Cost[]): Map<string, Budget> {
  const sums = new Map<string, Budget>()
  for (const { file, cpu, wall } of costs) {
    const folder = folderOf(file) ?? file
    const sum = sums.get(folder) ?? { cpu: 0, wall: 0 }
    sums.set(folder, { cpu: sum.cpu + cpu, wall: sum.wall + wall })
  }
  return sums
}

/** A sentence for everything that is over its budget. */
export function overspent(costs: readonly Cost[]): string[] {
  return [...costsByFolder(costs)].flatMap(([folder, cost]) => {
    const budget = BUDGETS[folder]
    if (budget === undefined)
      return [`test/${folder} has no budget: give its folder one in test/budgets/budgets.ts.`]
    return (['cpu', 'wall'] as const)
      .filter((kind) => cost[kind] > budget[kind])
      .map((kind) => `test/${folder} took ${Math.round(cost[kind])} s (${kind}) of ${budget[kind]}.`)
  })
}
