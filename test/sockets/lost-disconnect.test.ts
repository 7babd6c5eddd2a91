import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { startProxy } from '../support/programs/proxy.ts'
import { startRedis } from '../support/programs/redis.ts'

test('a tab whose revocation was trimmed while its worker was cut off is sent away all the same', async () => {
  const redis = await startRedis()
  const link = await startProxy(redis.port)
  const kept = { RETENTION_COUNT: '3', LOG_LEVEL: 'silent' }
  const api = await startApp({ ...kept, REDIS_URL: redis.url })
  const worker = await startApp({ ...kept, REDIS_URL: `redis://127.0.0.1:${link.port}` })
  try {
    const tab = await worker.tab('ada', { since: {} }).connected()
    await tab.sees('position')
    const gone = tab.disconnected()
    link.refuse(true)
    link.cut()
    await api.post('/users/ada/disconnect', { revoke: true })
    for (const title of ['1', '2', '3', '4']) await api.notify('ada', { title })
    link.refuse(false)
    expect(await gone).toBe('io server disconnect')
  } finally {
    await Promise.all([api.close(), worker.close()])
    await link.close()
    await redis.stop()
  }
})
