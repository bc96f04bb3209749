// Starts a server for the tests of a provider, in a process of its own. Prints what its tests need to know, as JSON. Ends when
// standard input does, and prints how many requests came.

const SERVERS = {
  async vault() {
    const { startVault } = await import('../../packages/provider-vault/dist-test/openbao.js');
    const { address, token, close } = await startVault();
    return { url: address, token, close };
  },
  async azure() {
    const { startKeyVault, TOKEN } = await import(
      '../../packages/provider-azure/dist-test/key-vault.js'
    );
    return { ...(await startKeyVault()), token: TOKEN };
  },
  async gcp() {
    const { startCloudKms } = await import('../../packages/provider-gcp/dist-test/cloud-kms.js');
    return startCloudKms();
  },
};

const { url, token, requests, close } = await SERVERS[process.argv[2]]();
process.stdout.write(`${JSON.stringify({ url, token })}\n`);
process.stdin.resume().on('end', () => {
  process.stdout.write(JSON.stringify({ requests: requests?.length }), async () => {
    await close();
    process.exit();
  });
});
