import { median, quotients } from './ratio.ts'

/** A measured figure, with its value in every round. */
export interface Figure {
  /** As it is printed. Unique within its part, and kept from version to version: files are compared by it. */
  label: string
  unit: '÷' | 'µs' | 'ms' | '/s' | 'B' | 'KiB' | 'MB' | 'cores'
  rounds: readonly number[]
}

const DIGITS: Record<Figure['unit'], number> = {
  '÷': 2,
  µs: 1,
  ms: 2,
  '/s': 0,
  B: 0,
  KiB: 1,
  MB: 1,
  cores: 2,
}

/** A figure. */
export function figure(label: string, unit: Figure['unit'], rounds: readonly number[]): Figure {
  return { label, unit, rounds }
}

/** A ratio, taken round by round: `Tabcast ÷ tutorial`. */
export function ratio(label: string, dividends: readonly number[], divisors: readonly number[]): Figure {
  return figure(label, '÷', quotients(dividends, divisors))
}

/** A value as a figure of this unit is printed. */
export function valueText(value: number, unit: Figure['unit']): string {
  return value.toLocaleString('en', {
    minimumFractionDigits: DIGITS[unit],
    maximumFractionDigits: DIGITS[unit],
  })
}

/** A median with its range and unit, such as `0.41 (0.38–0.44)`. */
export function figureText({ unit, rounds }: Figure): string {
  const text = (value: number): string => valueText(value, unit)
  const range = rounds.length > 1 ? ` (${text(Math.min(...rounds))}–${text(Math.max(...rounds))})` : ''
  return `${text(median(rounds))}${range}${unit === '÷' ? '' : ` ${unit}`}`
}
