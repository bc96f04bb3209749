// Started by the KMS benchmarks: AWS KMS's protocol on this machine. Prints its URL.

// By a name that the compiler does not follow: the package may not be there yet.
const name: string = '@keywrap/kms-server';
const { startKmsServer } = (await import(name)) as {
  startKmsServer(options: { port: number }): Promise<{ url: string }>;
};
const { url } = await startKmsServer({ port: 0 });
console.log(url);
