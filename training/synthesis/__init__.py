"""The renderer: faces x pulse x motion x light x camera x codec -> video files whose pulse is known."""
