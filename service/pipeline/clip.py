"""Frames and a crop box in, clips on the model's time grid out: the only preprocessing there is.

Training imports it, so a model is never served crops of another make than those it learned from. Sample times are the
frames' own: the crops are joined by straight lines in time and averaged over each period of the grid. Variable frame
rates thus cost nothing, faster videos lose noise instead of frames, and 50-Hz flicker in a 60-fps video is damped.
"""
