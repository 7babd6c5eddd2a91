# The version is the one that package.json pins for development and tests.
FROM node:26.10.0-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26.10.0-slim
ENV NODE_ENV=production DATA=/data/tabcast.db
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 3000
# Alive, not ready: a lost Redis is no reason to restart a server that waits for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without a shell or npm in between, signals reach Node, which drains on SIGTERM.
CMD ["node", "--max-semi-space-size=4", "src/main.ts"]
