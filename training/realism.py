"""Command: how like real clips the rendered ones are, in what can be measured.

python -m training.realism VIDEO ... --clips runs/clips/val --out training

Prints where each real clip lies among the rendered ones of a cache, and the SNR of GREEN and POS by codec and bits per
pixel; draws them as realism.png and realism-spectra.png. Real videos are read through the service's own chain; those
that it refuses are named.
"""

import argparse
from collections.abc import Sequence
from fnmatch import fnmatch
from itertools import product
from pathlib import Path

import numpy as np
from tqdm import tqdm

from service.pipeline.decode import VideoReader
from service.pipeline.errors import InputError
from service.pipeline.estimate import face_clips
from service.pipeline.manifest import ModelStore
from service.pipeline.mtcnn import FaceDetector
from service.pipeline.types import Clip, InputSpec
from training.benchmark import bits_group
from training.clips import ClipFolder
from training.metrics import Array
from training.provenance import machine
from training.realism_plots import plot_realism, plot_spectra
from training.store import git_revision
from training.synthesis.recipe import Recipe
from training.tables import markdown
from training.traits import STRETCH_S, Specimen, traits_of

USUAL = (0.05, 0.95)  # of the rendered clips lie between; what lies outside is marked
TOO_SHORT = "too_short"  # as the service says of a whole video; here of the time that its face is seen


def read_rendered(folder: ClipFolder, shards: str = "*") -> list[Specimen]:
    """Measure the clips of a cache that were rendered, in shards whose names match a pattern. Raises ClipsInvalid."""
    found = []
    addresses = folder.addresses([name for name in folder.shards() if fnmatch(name, shards)])
    for address in tqdm(addresses, unit="clip", disable=None):
        stored = folder.read(address)
        codec = Recipe.from_json(stored.meta["recipe"]).codec
        clip = Clip(stored.rgb, stored.comparable, 0.0, stored.meta["fps"])
        traits = traits_of(clip, stored.meta["bpm"], stored.ppg)
        found.append(Specimen("/".join(map(str, address)), codec.name, codec.bits_per_pixel, traits))
    return found


def read_real(paths: Sequence[Path], detector: FaceDetector) -> tuple[list[Specimen], dict[str, str]]:
    """Measure the largest face of each video; return also why videos were left out, by file name."""
    found, left_out = [], {}
    for path in tqdm(paths, unit="video", disable=None):
        reader = VideoReader(path)
        try:
            clip = _whole(list(face_clips(reader, InputSpec(), detector)))
        except InputError as error:
            left_out[path.name] = error.code
            continue
        if len(clip.rgb) < STRETCH_S * clip.fps:
            left_out[path.name] = TOO_SHORT
            continue
        info = reader.info
        bits = 8 * path.stat().st_size / (info.frames * info.width * info.height)
        found.append(Specimen(path.name, info.codec, bits, traits_of(clip)))
    return found, left_out


def _whole(clips: Sequence[Clip]) -> Clip:
    rgb, comparable = (np.concatenate(parts) for parts in zip(*((c.rgb, c.comparable) for c in clips), strict=True))
    return Clip(rgb, comparable, clips[0].start_s, clips[0].fps)


def place_table(rendered: Sequence[Specimen], real: Sequence[Specimen]) -> str:
    """Return a row per measure: 5, 50, 95 % of so many rendered clips, then each real one's value and quantile in %.

    Bold is what less than 5 % of the rendered clips are below, or above. A dash: GREEN and POS do not agree on a rate.
    """
    rows = []
    for name in dict.fromkeys(name for one in rendered for name in one.traits.figures):
        usual = np.array([one.traits.figures[name] for one in rendered if name in one.traits.figures])
        levels = [f"{value:.3g}" for value in np.quantile(usual, (USUAL[0], 0.5, USUAL[1]))]
        rows.append([name, str(len(usual)), *levels, *(_place(usual, one.traits.figures.get(name)) for one in real)])
    return markdown(["measure", "clips", "5 %", "50 %", "95 %", *(one.name for one in real)], rows)


def _place(usual: Array, value: float | None) -> str:
    if value is None:
        return "-"
    below = float((usual < value).mean())
    cell = f"{value:.3g} ({100 * below:.0f})"
    return cell if USUAL[0] <= round(below, 2) <= USUAL[1] else f"**{cell}**"


def snr_table(specimens: Sequence[Specimen]) -> str:
    """Return a row per codec, a column per range of bits per pixel: median SNR of GREEN and POS at the true rate."""
    known = [one for one in specimens if one.traits.true_figures]
    codecs = sorted({one.codec for one in known})
    groups = list(dict.fromkeys(bits_group(bits) for bits in sorted(one.bits_per_pixel for one in known)))
    cells = {
        key: _snr_cell([one for one in known if (one.codec, bits_group(one.bits_per_pixel)) == key])
        for key in product(codecs, groups)
    }
    rows = [[codec, *(cells[codec, group] for group in groups)] for codec in codecs]
    return markdown(["GREEN / POS dB (clips) by bits per pixel", *groups], rows)


def _snr_cell(specimens: Sequence[Specimen]) -> str:
    if not specimens:
        return "-"
    green, pos = (
        float(np.median([one.traits.true_figures[f"SNR of {name}, dB"] for one in specimens]))
        for name in ("GREEN", "POS")
    )
    return f"{green:.1f} / {pos:.1f} ({len(specimens)})"


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    args = _parser().parse_args(arguments)
    detector = FaceDetector(ModelStore(args.model_store).folder("face"))
    real, left_out = read_real(args.videos, detector)
    rendered = read_rendered(ClipFolder(args.clips), args.shards)
    print(place_table(rendered, real), "", snr_table(rendered), sep="\n")
    for one in real:
        print(f"{one.name}: {one.codec}, {one.bits_per_pixel:.3f} bits per pixel")
    for name, reason in left_out.items():
        print(f"left out: {name}, {reason}")
    args.out.mkdir(parents=True, exist_ok=True)
    plot_realism(rendered, real, args.out / "realism.png")
    plot_spectra(rendered, real, args.out / "realism-spectra.png")
    print(f"{len(rendered)} rendered clips, {len(real)} real ones; revision {git_revision()[:12]}; {machine()}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+", help="files of real faces")
    parser.add_argument("--clips", type=Path, required=True, help="folder of a cache of rendered clips")
    parser.add_argument("--shards", default="*", help="which of its shards, a pattern")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the pictures")
    parser.add_argument("--model-store", type=Path, default=Path("model_store"))
    return parser


if __name__ == "__main__":
    main()
