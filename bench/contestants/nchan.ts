import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childrenOf } from '../../test/support/programs/children.ts'
import { freePort } from '../../test/support/programs/free-port.ts'
import { ANNOUNCEMENT, type Contestant, jsonTarget, NOTIFICATION } from './contestant.ts'
import { startProgram } from './program.ts'
import { startRedisWithAof } from './redis-with-aof.ts'

/** Where Debian's package libnginx-mod-nchan has it. */
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** True if nginx can have the module. */
export const hasNchan = (): boolean => existsSync(MODULE)

/** nginx with nchan, one worker, which keeps the last 1,000 of each channel in a Redis with AOF. */
export async function startNchan(): Promise<Contestant> {
  const redis = await startRedisWithAof()
  const folder = await mkdtemp(join(tmpdir(), 'tabcast-nchan-'))
  // Started by root, its workers are somebody else.
  await chmod(folder, 0o755)
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configuration(folder, port, redis.url))
  const nginx = await startProgram('nginx', ['-p', folder, '-c', file, '-e', 'stderr'], port)
  const workers = await childrenOf(nginx.pid)
  return {
    name: 'nchan',
    roles: { redis: [redis.pid], server: [nginx.pid, ...workers] },
    notify: jsonTarget(port, '/publish/{user}', NOTIFICATION),
    broadcast: jsonTarget(port, '/publish/everyone', ANNOUNCEMENT),
    tab: (user) => ({ protocol: 'websocket', port, path: `/subscribe/${user}` }),
    async stop() {
      await nginx.stop()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configuration(folder: string, port: number, redisUrl: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  return `
    load_module ${MODULE};
    daemon off; pid ${folder}/pid; error_log stderr error;
    worker_processes 1; worker_rlimit_nofile 20000;
    events { worker_connections 19000; }
    http {
      access_log off; keepalive_requests 1000000000; ${temporary.join(' ')}
      nchan_shared_memory_size 512M; nchan_message_buffer_length 1000; nchan_message_timeout 28d;
      upstream store { nchan_redis_server ${redisUrl}; }
      server {
        listen 127.0.0.1:${port};
        location ~ ^/publish/(.+)$ { nchan_publisher http; nchan_channel_id $1; nchan_redis_pass store; }
        location ~ ^/subscribe/(.+)$ {
          nchan_subscriber websocket; nchan_subscriber_first_message newest;
          nchan_channel_id $1; nchan_redis_pass store;
        }
      }
    }`
}
