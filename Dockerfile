# The program alone, without a system around it: docker build -t plimsoll . ; docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" plimsoll run plan.yaml
# For CI systems that want a shell in the image: docker build --target ci -t plimsoll-ci .
FROM rust:1-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY templates templates
COPY schemas schemas
COPY docs docs
COPY plans plans
# Linked to musl, and so to nothing that has to be in the image.
RUN cargo build --release --locked --bin plimsoll

FROM alpine:3 AS ci
COPY --from=build /source/target/release/plimsoll /usr/local/bin/plimsoll

FROM scratch
COPY --from=build /source/target/release/plimsoll /plimsoll
WORKDIR /work
ENTRYPOINT ["/plimsoll"]
