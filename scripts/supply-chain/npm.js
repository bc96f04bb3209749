// Runs npm in a temporary folder that holds only a manifest and a lockfile.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** @returns {Promise<{ ok: boolean, stdout: string, stderr: string }>} */
export async function npm(args, { manifest, lock }, environment = {}) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'keywrap-npm-'));
  // npm calls the package at the top what its folder is called.
  const folder = path.join(temporary, manifest.name);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(lock));
    const options = {
      cwd: folder,
      maxBuffer: 2 ** 28,
      env: { ...process.env, ...environment },
      shell: process.platform === 'win32',
    };
    return await new Promise((resolve) => {
      execFile('npm', [...args, '--package-lock-only'], options, (error, stdout, stderr) =>
        resolve({ ok: error === null, stdout, stderr }),
      );
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
