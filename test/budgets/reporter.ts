import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { BUDGETS, type Cost, costsByFolder, overspent } from './budgets.ts'

const SLOWEST = 10

/** Prints what the tests have cost, by folder, and the slowest files. With `kept` a folder that is over its budget fails the run. */
export class BudgetReporter implements Reporter {
  readonly #root: string
  readonly #isKept: boolean

  /** `root`: the folder of all tests. */
  constructor(root: string, isKept: boolean) {
    this.#root = root
    this.#isKept = isKept
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const costs = modules.map((module) => costOf(module, this.#root))
    const over = this.#isKept ? overspent(costs) : []
    process.stdout.write(
      `${tableOf(costs)}\n${slowestOf(costs)}\n${over.map((line) => `${line}\n`).join('')}`,
    )
    if (over.length > 0) process.exitCode = 1
  }
}

function costOf(module: TestModule, root: string): Cost {
  return {
    file: relative(root, module.moduleId),
    cpu: module.meta().cpu ?? 0,
    wall: wallOf(module),
  }
}

/** From the begin of its first test to the end of its last, hooks included. */
const wallOf = (module: TestModule): number => module.diagnostic().duration / 1000

function tableOf(costs: readonly Cost[]): string {
  const rows = [...costsByFolder(costs)]
    .sort(([, one], [, other]) => other.cpu - one.cpu)
    .map(([folder, { cpu, wall }]) => {
      const budget = BUDGETS[folder]
      return `${seconds(cpu)} of ${seconds(budget?.cpu)} ${seconds(wall)} of ${seconds(budget?.wall)}  test/${folder}`
    })
  return ['', 'What the tests cost, in seconds of a core and on the clock, and what they may:', ...rows].join(
    '\n',
  )
}

function slowestOf(costs: readonly Cost[]): string {
  const rows = [...costs]
    .sort((one, other) => other.wall - one.wall)
    .slice(0, SLOWEST)
    .map(({ file, cpu, wall }) => `${seconds(cpu)} ${seconds(wall)}  test/${file}`)
  return ['', `The ${SLOWEST} slowest files:`, ...rows, ''].join('\n')
}

const seconds = (value: number | undefined): string => (value?.toFixed(0) ?? '–').padStart(4)
