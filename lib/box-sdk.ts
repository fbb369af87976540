/** Loads the official SDK, which takes too long for what may never call Box. */
export async function loadSdk() {
  const [client, networking, errors] = await Promise.all([
    import('box-node-sdk'),
    import('box-node-sdk/networking'),
    import('box-node-sdk/box'),
  ])
  return { ...client, ...networking, ...errors }
}

export type Sdk = Awaited<ReturnType<typeof loadSdk>>
