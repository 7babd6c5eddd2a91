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
  api: { cpu: 50, wall: 200 },
  architecture: { cpu: 10, wall: 40 },
  bench: { cpu: 25, wall: 90 },
  bridges: { cpu: 30, wall: 200 },
  browser: { cpu: 40, wall: 250 },
  budgets: { cpu: 3, wall: 10 },
  chaos: { cpu: 260, wall: 1500 },
  cluster: { cpu: 100, wall: 500 },
  config: { cpu: 5, wall: 20 },
  core: { cpu: 10, wall: 80 },
  deploy: { cpu: 40, wall: 200 },
  development: { cpu: 10, wall: 60 },
  docs: { cpu: 15, wall: 90 },
  engines: { cpu: 100, wall: 700 },
  examples: { cpu: 80, wall: 600 },
  mutations: { cpu: 110, wall: 500 },
  process: { cpu: 16, wall: 120 },
  processes: { cpu: 130, wall: 1000 },
  scripts: { cpu: 12, wall: 100 },
  sockets: { cpu: 55, wall: 300 },
  support: { cpu: 3, wall: 20 },
  webhooks: { cpu: 5, wall: 120 },
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
