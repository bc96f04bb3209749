// Loads nothing else of node-forge, and comes before the modules that ask.
import util from 'node-forge/lib/util.js';

util.isNodejs = false;
