// Every entry of every installed package of keywrap.
const { readdirSync } = require('node:fs');

exports.entries = readdirSync('node_modules/@keywrap').flatMap((folder) => {
  const { name, exports } = require(`./node_modules/@keywrap/${folder}/package.json`);
  return Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => name + entry.slice(1));
});
