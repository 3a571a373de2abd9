// The unit cell in three dimensions: atoms by element, the edges of the cell, the path and the surface of lithium.

import { colour } from "./elements.js";
import { significant } from "./numbers.js";
import { draw, plain, plotly } from "./plot.js";

const PATH = [[0, "#0072b2"], [0.5, "#e8b33a"], [1, "#c22a1c"]];
const FAR = 2.2;
const SIZE = 2.3;
const SMALLEST = 0.45;
const ASLANT = [1.5, 0.55, 0.45];

const columns = (points) => ({ x: points.map((p) => p[0]), y: points.map((p) => p[1]), z: points.map((p) => p[2]) });
const length = (v) => Math.hypot(...v);
const scaledBy = (v, factor) => v.map((one) => one * factor);
const scaled = (v, size) => v.map((one) => (one * size) / length(v));

/** The element that a site shows: the one with the largest occupancy. */
const shownOn = (site) => site.species.reduce((most, one) => (one.occupancy > most.occupancy ? one : most)).element;

const sum = (...vectors) => [0, 1, 2].map((k) => vectors.reduce((total, v) => total + v[k], 0));

/** Return a path within the cell: it is broken where it leaves and goes on where it comes in again. */
function within(fractional, energies, [a, b, c]) {
  const [points, values] = [[], []];
  let cell = null;
  fractional.forEach((place, n) => {
    const [u, v, w] = place.map((one) => one - Math.floor(one));
    const here = place.map(Math.floor).join();
    if (cell !== null && here !== cell) {
      points.push([null, null, null]);
      values.push(energies[n]);
    }
    cell = here;
    points.push(sum(scaledBy(a, u), scaledBy(b, v), scaledBy(c, w)));
    values.push(energies[n]);
  });
  return { points, values };
}

function edges([a, b, c]) {
  const o = [0, 0, 0];
  const gap = [null, null, null];
  const pairs = [];
  for (const [along, one, other] of [[a, b, c], [b, a, c], [c, a, b]]) {
    for (const start of [o, one, other, sum(one, other)]) pairs.push(start, sum(start, along), gap);
  }
  return columns(pairs);
}

/** A scene of the document of `POST /structure`, whose parts are the elements, the cell, the path and the surface. */
export class Scene {
  constructor(node, found) {
    this.node = node;
    this.found = found;
    this.names = [...new Set(found.sites.map(shownOn)), "cell", ...(found.migration ? ["path", "surface"] : [])];
    this.hidden = new Set();
    this.eye = scaled(ASLANT, FAR);
  }

  /** Tell whether the scene has a part. */
  has(name) {
    return this.names.includes(name);
  }

  /** Show or hide a part. */
  async show(name, visible) {
    this.hidden[visible ? "delete" : "add"](name);
    await (await plotly()).restyle(this.node, { visible }, [this.names.indexOf(name)]);
  }

  /** Look along a lattice vector, or aslant. */
  lookAlong(n) {
    const { lattice } = this.found;
    this.look(n === null ? scaled(ASLANT, FAR) : scaled(lattice[n], FAR), n === 2 ? lattice[1] : lattice[2]);
  }

  /** Turn about the vertical by an angle [degree]. */
  turn(degrees) {
    const [sine, cosine] = [Math.sin((degrees * Math.PI) / 180), Math.cos((degrees * Math.PI) / 180)];
    // From where the mouse has turned it to.
    const { x, y, z } = this.node._fullLayout.scene._scene.getCamera().eye;
    this.look([cosine * x - sine * y, sine * x + cosine * y, z], [0, 0, 1]);
  }

  /** Look from a point, with a direction upward. */
  async look(eye, up) {
    this.eye = eye;
    const [x, y, z] = eye;
    const [upX, upY, upZ] = scaled(up, 1);
    const camera = { eye: { x, y, z }, up: { x: upX, y: upY, z: upZ }, center: { x: 0, y: 0, z: 0 }, projection: { type: "orthographic" } };
    await (await plotly()).relayout(this.node, { "scene.camera": camera });
  }

  atoms(symbol, size, colours) {
    const sites = this.found.sites.filter((site) => shownOn(site) === symbol);
    const filled = (site) => Math.min(1, site.species.reduce((sum, one) => sum + one.occupancy, 0));
    return {
      type: "scatter3d",
      mode: "markers",
      name: symbol,
      ...columns(sites.map((site) => site.cartesian)),
      marker: {
        size: sites.map((site) => size * Math.max(SMALLEST, site.radius_angstrom)),
        color: sites.map((site) => colour(symbol, 0.25 + 0.75 * filled(site))),
        line: { color: colours.border, width: 1 },
        opacity: 1,
      },
      hovertext: sites.map((site) => plain(`${site.label ?? symbol}: ${site.species.map((one) => `${one.element} ${significant(one.occupancy, 3)}`).join(", ")}`)),
      hoverinfo: "text",
    };
  }

  migration() {
    const { path, surface } = this.found.migration;
    const { points, values } = within(path.fractional, path.energy_eV, this.found.lattice);
    const [i, j, k] = [0, 1, 2].map((n) => surface.triangles.map((one) => one[n]));
    return [
      {
        type: "scatter3d",
        mode: "lines",
        name: "path",
        ...columns(points),
        line: { width: 9, color: values, colorscale: PATH, showscale: false },
        hovertext: values.map((energy) => `${significant(energy)} eV`),
        hoverinfo: "text",
      },
      {
        type: "mesh3d",
        name: "surface",
        ...columns(surface.vertices),
        i,
        j,
        k,
        color: "#cc80ff",
        opacity: 0.4,
        hoverinfo: "skip",
        showscale: false,
      },
    ];
  }

  /** The proportions of the cell, as large as the figure holds. */
  shape() {
    const corners = [0, 1, 2].map((k) => {
      const ends = [0, 1, 2].map((n) => this.found.lattice[n][k]);
      return ends.reduce((total, one) => total + Math.abs(one), 0);
    });
    const room = Math.min(1, this.node.clientWidth / this.node.clientHeight);
    const [x, y, z] = corners.map((one) => (SIZE * room * one) / length(corners));
    return { aspectmode: "manual", aspectratio: { x, y, z } };
  }

  /** Draw the scene. */
  async draw() {
    const { lattice, sites } = this.found;
    // Markers have pixels, so that large cells get smaller ones.
    const size = Math.min(20, Math.max(5, 110 / Math.max(...lattice.map(length))));
    const hiddenAxis = { visible: false, showspikes: false };
    const [x, y, z] = this.eye;
    await draw(this.node, (colours) => {
      const parts = [
        ...this.names.filter((name) => sites.some((site) => shownOn(site) === name)).map((name) => this.atoms(name, size, colours)),
        { type: "scatter3d", mode: "lines", name: "cell", ...edges(lattice), line: { color: colours.muted, width: 2 }, hoverinfo: "skip" },
        ...(this.found.migration ? this.migration() : []),
      ];
      return {
        traces: parts.map((trace) => ({ ...trace, visible: !this.hidden.has(trace.name) })),
        layout: {
          margin: { l: 0, r: 0, t: 0, b: 0 },
          dragmode: "orbit",
          scene: {
            xaxis: hiddenAxis,
            yaxis: hiddenAxis,
            zaxis: hiddenAxis,
            ...this.shape(),
            camera: { eye: { x, y, z }, projection: { type: "orthographic" } },
            dragmode: "orbit",
          },
        },
      };
    });
  }
}
