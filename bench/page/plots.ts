import { createRequire } from 'node:module'
import { median } from '../figures/ratio.ts'
import type { Results } from '../results.ts'
import { figureOf } from './table.ts'

type ChartOption = Record<string, unknown>

/** What is used of echarts here: its own types are for programs that have a DOM. */
interface Charts {
  init(
    element: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: ChartOption): void; renderToSVGString(): string; dispose(): void }
}

const { init } = createRequire(import.meta.url)('echarts') as Charts

/** A picture of the page: the name of its file without `.svg`, and the picture. */
export interface Plot {
  name: string
  svg: string
}

const COLORS = ['#2f6f9f', '#e0883a', '#6a9a4a', '#9a5aa0']
const FONT = { fontFamily: 'sans-serif', fontSize: 12, color: '#333' }

/** The plots of the results; those that were not measured are left out. */
export function plotsOf(results: Results): Plot[] {
  return [
    ['performance-cpu', cpuPlot(results)] as const,
    ['performance-latency', latencyPlot(results)] as const,
    ['performance-ratios', ratioPlot(results)] as const,
  ].flatMap(([name, option]) => (option === undefined ? [] : [{ name, svg: draw(option) }]))
}

/** echarts without a browser, as text. */
function draw(option: ChartOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 820, height: 320 })
  const base = {
    animation: false,
    backgroundColor: '#fff',
    color: COLORS,
    textStyle: FONT,
    grid: { left: 120, right: 40, top: 60, bottom: 45 },
  }
  chart.setOption({ ...base, ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}

const medianOf = (results: Results, part: string, label: string): number | undefined => {
  const found = figureOf(results, part, label)
  return found && median(found.rounds)
}

const withNames = (names: readonly string[]): ChartOption => ({
  yAxis: { type: 'category', data: names, inverse: true, axisTick: { show: false } },
})

function cpuPlot(results: Results): ChartOption | undefined {
  const names = ['redis', 'tutorial', 'nchan', 'centrifugo', 'embedded', 'stock']
  const roles = ['redis', 'api', 'worker', 'server']
  const rows = names
    .map((name) => ({
      name,
      all: medianOf(results, 'notify', `${name}, 1 tab: CPU per notification, all processes`),
      parts: roles.map((role) =>
        medianOf(results, 'notify', `${name}, 1 tab: CPU per notification, ${role}`),
      ),
    }))
    .filter(({ all }) => all !== undefined)
  if (rows.length === 0) return undefined
  return {
    title: { text: 'CPU per notification to one tab, in µs', textStyle: FONT, left: 10, top: 8 },
    legend: { data: ['Redis', 'api', 'worker', 'one process'], top: 30, itemGap: 24 },
    xAxis: { type: 'value', name: 'µs', nameLocation: 'middle', nameGap: 25 },
    ...withNames(rows.map(({ name }) => name)),
    series: ['Redis', 'api', 'worker', 'one process'].map((role, index) => ({
      name: role,
      type: 'bar',
      stack: 'all',
      data: rows.map(({ all, parts }) => {
        // Where all is in one process, no roles are told apart.
        const isWhole = parts.every((part) => part === undefined)
        return isWhole && index === 3 ? all : (parts[index] ?? 0)
      }),
    })),
  }
}

function latencyPlot(results: Results): ChartOption | undefined {
  const rates = [500, 2000, 4000]
  const names = ['redis', 'embedded', 'tutorial', 'stock', 'centrifugo'].filter(
    (name) => figureOf(results, 'latency', `${name} at 500/s: p99`) !== undefined,
  )
  if (names.length === 0) return undefined
  return {
    title: {
      text: 'p99 from when a POST was due to the tab, in ms (logarithmic)',
      textStyle: FONT,
      left: 10,
      top: 8,
    },
    legend: { data: names, top: 30, itemGap: 24 },
    color: [...COLORS, '#888'],
    xAxis: { type: 'category', data: rates.map((rate) => `${rate.toLocaleString('en')} a second`) },
    yAxis: { type: 'log', name: 'ms', min: 0.1, startValue: 0.1 },
    series: names.map((name) => ({
      name,
      type: 'bar',
      data: rates.map((rate) => medianOf(results, 'latency', `${name} at ${rate}/s: p99`) ?? null),
    })),
  }
}

/** Where more is better, beside what does the same with less promised. */
function ratioPlot(results: Results): ChartOption | undefined {
  const rows = (
    [
      ['notify', 'redis, 1 tab ÷ tutorial, 1 tab, notifications a second'],
      ['notify', 'embedded, 1 tab ÷ stock, 1 tab, notifications a second'],
      ['fan-out', 'redis ÷ raw ws, deliveries a second'],
      ['fan-out', 'embedded ÷ raw ws, deliveries a second'],
      ['connects', 'redis ÷ stock, connects a second'],
      ['connects', 'embedded ÷ stock, connects a second'],
    ] as const
  )
    .map(([part, label]) => ({ label, value: medianOf(results, part, label) }))
    .filter(({ value }) => value !== undefined)
  if (rows.length === 0) return undefined
  return {
    title: { text: 'Tabcast ÷ what it is compared with (more is better)', textStyle: FONT, left: 10, top: 8 },
    grid: { left: 370, right: 60, top: 45, bottom: 30 },
    xAxis: { type: 'value' },
    ...withNames(rows.map(({ label }) => label)),
    series: [
      {
        type: 'bar',
        data: rows.map(({ value }) => Number(value!.toFixed(2))),
        label: { show: true, position: 'right' },
        markLine: { silent: true, symbol: 'none', data: [{ xAxis: 1 }], label: { show: false } },
      },
    ],
  }
}
