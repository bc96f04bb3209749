// A service's records move from AWS KMS to OpenBao, to an HSM, and back: only their wrapped keys change. All backends
// run on this machine; one that is not installed is left out.
import { type Backend, startKms, startOpenBao, startSoftHsm } from './backends.js';
import { move, read, type StoredRecord, store } from './records.js';

const TEXTS: Readonly<Record<string, string>> = {
  ada: 'pays by invoice',
  grace: 'prefers delivery in the morning',
  edsger: 'no bicycle in the basket',
};

const kms = await startKms();
const others = { OpenBao: await startOpenBao(), SoftHSM: await startSoftHsm() };
const stops = Object.entries(others).flatMap(([name, backend]): Backend[] => {
  if (backend === undefined) console.log(`left out: ${name} is not installed here`);
  return backend === undefined ? [] : [backend];
});

try {
  let records: StoredRecord[] = [];
  for (const [customer, text] of Object.entries(TEXTS)) {
    records.push(await store(kms, customer, text));
  }
  report('stored', kms, records);

  let from: Backend = kms;
  for (const to of [...stops, kms]) {
    records = await Promise.all(records.map((record) => move(from, to, record)));
    const isSame = await Promise.all(
      records.map(async (record) => (await read(to, record)) === TEXTS[record.customer]),
    );
    report('moved', to, records);
    console.log(`  all ${records.length} records read the same: ${!isSame.includes(false)}`);
    if (isSame.includes(false)) process.exitCode = 1;
    from = to;
  }
} finally {
  for (const backend of [...stops, kms]) await backend.stop();
}

function report(what: string, { name }: Backend, records: readonly StoredRecord[]): void {
  const lengths = records.map(({ wrappedKey }) => wrappedKey.length).join(', ');
  console.log(`${what.padEnd(6)} under ${name.padEnd(22)} wrapped keys of ${lengths} bytes`);
}
