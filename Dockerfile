# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked && install -D --strip target/release/leadflow /out/leadflow
RUN image/root /out/leadflow /out/root

# The program, the C libraries that it needs, and the certificates of public
# authorities: no shell, no packages. Time zones are in the program.
FROM scratch
COPY --from=build /out/root /
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/leadflow"]
