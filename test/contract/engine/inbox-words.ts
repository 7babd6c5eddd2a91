import { describe, expect, test } from 'vitest'
import { openDesk } from './desk.ts'
import type { Harness } from './harness.ts'

/** Tags, types and categories that could be taken for something else. */
export function inboxWordsLaw(harness: Harness): void {
  describe('the words of the inbox', () => {
    test.each(['unread', 'unseen', 'first', 'renew', 'updated', 'constructor', '-', '.', ':', 'A-b:c.d_0'])(
      '%s is a tag like any other',
      async (tag) => {
        const desk = await openDesk(harness)
        const { id } = await desk.notify({})
        const nothing = async (): Promise<void> => {
          expect(await desk.inboxes.find(desk.user, tag)).toBeUndefined()
          expect(await desk.list({ tag })).toMatchObject({ items: [], unread: 1 })
          expect(await desk.inboxes.withdraw(desk.user, tag)).toBe(false)
          expect(await desk.list()).toMatchObject({ items: [{ id }], unread: 1, unseen: 1 })
        }
        await nothing()
        const tagged = await desk.notify({ tag })
        expect(await desk.notify({ tag })).toMatchObject({ id: tagged.id, upsert: { version: 2 } })
        expect(await desk.inboxes.find(desk.user, tag)).toMatchObject({ id: tagged.id, tag })
        expect(await desk.list({ tag })).toMatchObject({ items: [{ id: tagged.id, tag }], unread: 2 })
        await desk.inboxes.mark(desk.user, { ids: [tagged.id], state: 'read', value: true })
        expect(await desk.list()).toMatchObject({ items: { length: 2 }, unread: 1 })
        expect(await desk.inboxes.withdraw(desk.user, tag)).toBe(true)
        await nothing()
        expect(await desk.notify({ tag })).toMatchObject({ upsert: { version: 1, created: true } })
      },
    )

    test.each([
      'order shipped now',
      'saved - =%zz',
      '-',
      '=',
      '=-',
      '%',
      '"\'\\',
      'App\\Events\\Größe 😀',
      ' \u0000\n',
    ])('%j is a type like any other', async (type) => {
      const desk = await openDesk(harness)
      const other = { id: (await desk.notify({ tag: 'now', category: 'c' })).id, tag: 'now', category: 'c' }
      const { id } = await desk.notify({ type, tag: 't', category: type })
      expect(await desk.inboxes.find(desk.user, 't')).toMatchObject({ id, type, tag: 't', category: type })
      expect(await desk.notify({ type, tag: 't', category: type })).toMatchObject({
        id,
        upsert: { version: 2 },
      })
      for (const filter of [{ type }, { category: type }, { type, category: type }])
        expect(await desk.list(filter)).toMatchObject({ items: [{ id, type, tag: 't' }], complete: true })
      await desk.inboxes.mark(desk.user, { ids: [id], state: 'read', value: true })
      expect(await desk.list({ type })).toMatchObject({ items: [{ readAt: expect.any(String) }], unread: 1 })
      expect(await desk.inboxes.withdraw(desk.user, 't')).toBe(true)
      expect(await desk.list()).toMatchObject({ items: [{ ...other, type: 'message' }], unread: 1 })
      expect((await desk.list()).items).toHaveLength(1)
    })
  })
}
