import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { snippetsIn } from '../support/snippets.ts'
import { until } from '../support/until.ts'

interface Shown {
  id: string
  title: string
  readAt: string | null
}

const snippets = snippetsIn('docs/notifications.md', 'js')
const lines = snippets.find((code) => code.includes("'gap'"))!
const receipt = snippets.find((code) => code.startsWith("socket.on('notification', ({ seq })"))!

test('the lines for the inbox show it as it is, also when the log has forgotten what the tab missed', async () => {
  const app = await startApp({ RETENTION_COUNT: '3' })
  try {
    const tab = app.tab('ada', { since: {}, reconnection: false })
    const items = new Map<string, Shown>()
    const badges: number[] = []
    const toasts: string[] = []
    new Function('socket', 'items', 'showBadge', 'toast', lines)(
      tab.socket,
      items,
      (unread: number) => badges.push(unread),
      ({ title }: Shown) => toasts.push(title),
    )
    const holds = (...wanted: [string, boolean][]) =>
      until(async () => {
        const held = [...items.values()].map(({ title, readAt }) => [title, readAt !== null])
        return JSON.stringify(held.sort()) === JSON.stringify(wanted)
      }, 5000)

    await tab.sees('position')
    const a = await app.notify('ada', { title: 'a' })
    const b = await app.notify('ada', { title: 'b' })
    await app.notify('ada', { title: 'not kept', ttl: 0 })
    const c = await app.notify('ada', { title: 'c' }, { prefer: 'wait=10' })
    expect(c).toMatchObject({ delivered: true })
    await tab.ask('mark', { ids: [b.id], seen: true })
    await holds(['a', false], ['b', false], ['c', false])
    expect(toasts).toEqual(['a', 'b', 'not kept', 'c'])
    expect(badges.at(-1)).toBe(3)

    tab.since = { seq: c.seq, epoch: c.epoch }
    const lost = tab.disconnected()
    tab.socket.io.engine.close()
    await lost
    const other = app.tab('ada')
    await other.ask('mark', { ids: [a.id], read: true })
    const path = `${app.url}/notify/ada/${b.id}`
    await fetch(path, { method: 'DELETE', headers: { authorization: `Bearer ${app.apiKey}` } })
    await app.notify('ada', { title: 'd' })
    for (const seen of [true, false, true]) await other.ask('mark', { ids: [c.id], seen })

    tab.socket.connect()
    expect(await tab.sees('gap')).toMatchObject([{ reason: 'trimmed' }])
    await holds(['a', true], ['c', false], ['d', false])
    await tab.sees('position', 2)
    expect(badges.at(-1)).toBe(2)
  } finally {
    await app.close()
  }
})

test('the line for receipts alone makes a notification delivered', async () => {
  const app = await startApp()
  try {
    const tab = app.tab('ada', { since: {} })
    new Function('socket', receipt)(tab.socket)
    await tab.sees('position')
    await app.notify('ada', { title: 'not kept', ttl: 0 })
    expect(await app.notify('ada', { title: 'a' }, { prefer: 'wait=10' })).toMatchObject({ delivered: true })
  } finally {
    await app.close()
  }
})
