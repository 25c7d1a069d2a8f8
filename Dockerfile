# The service as an image: `docker build -t quantlab .`; how to run it: post/deploy.md.
FROM node:20-bookworm-slim AS build
WORKDIR /quantlab
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# Then only what runs: no compilers, and of ONNX Runtime only what Linux loads.
RUN node .ci/build.mjs \
 && npm prune --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32 .ci src

FROM node:20-bookworm-slim
ENV NODE_ENV=production QUANTLAB_CACHE=/cache
COPY --from=build /quantlab /quantlab
# The default model is inside; others are mounted, or baked in by an image of one's own: COPY small.onnx small.json /models/
USER 10001:10001
# The root file system may be read-only. Written: recordings while they are heard, and models as they are unpacked and optimised.
VOLUME ["/tmp", "/cache"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/quantlab/dist/cli.js"]
CMD ["serve", "--host", "0.0.0.0", "--api-key-file", "/run/secrets/quantlab-keys"]
