// Runs before a package is packed. npm would leave `workspace:` in the dependencies, and nobody could install the result.
if (!process.env.npm_config_user_agent?.startsWith('pnpm/')) {
  console.error(
    'npm does not pack a package of a workspace: run node ../../scripts/pnpm.js pack in its folder.',
  );
  process.exit(1);
}
