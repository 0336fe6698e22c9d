using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Convolution filters of several widths over a batch of sequences; a feature is a filter's largest response over time, rectified (Kim 2014,
/// "Convolutional neural networks for sentence classification"). Only the places of the maxima pass a gradient, so that the backward pass adds one
/// window for each feature and has no matrix product.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, F filters a width, W widths. Weights are PyTorch's: [F, E, width] and [F]. A window is <c>width</c> successive rows
/// of a sequence. It is contiguous in memory, so that a convolution is a matrix product whose left rows overlap. Places that tie for a maximum share
/// its gradient, as in PyTorch's <c>amax</c>. How the work is cut depends on the sizes alone: results do not depend on the number of threads.
/// </remarks>
public sealed unsafe partial class FilterMaxima : IDisposable
{
    // The least that is handed to another thread.
    private const int SamplesWorthSharing = 4, FeaturesWorthSharing = 16;
    private readonly RowParallel _parallel;
    private readonly int _maximumBatch, _maximumTime, _embedding, _filters;
    private readonly int[] _widths;
    private readonly PackedMatrix[] _weights;
    // For each width: weights [F, width, E], biases [F], responses [B, T, F].
    private readonly NativeBuffer[] _windows, _biases, _responses;
    private readonly NativeBuffer _inputs, _features;
    // Of each sequence [B] its length; of each feature [B, W F] the first place of its maximum, and the number of places that tie for it.
    private readonly int[] _lengths, _places, _ties;

    /// <summary>Allocates the memory.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="batch">B, the largest that will be used.</param>
    /// <param name="time">T, the largest that will be used.</param>
    /// <param name="embedding">E.</param>
    /// <param name="filters">F.</param>
    /// <param name="widths">The widths, W of them.</param>
    public FilterMaxima(RowParallel parallel, int batch, int time, int embedding, int filters, ReadOnlySpan<int> widths)
    {
        (_parallel, _maximumBatch, _maximumTime, _embedding, _filters, _widths) = (parallel, batch, time, embedding, filters, widths.ToArray());
        (Batch, Time) = (batch, time);
        // Windows at the end of the last sequence reach beyond it.
        _inputs = new(((nint)batch * time + _widths.Max()) * embedding);
        _features = new((nint)batch * Features);
        _weights = [.. _widths.Select(width => new PackedMatrix(width * embedding, filters))];
        _windows = [.. _widths.Select(width => new NativeBuffer((nint)filters * width * embedding))];
        _biases = [.. _widths.Select(_ => new NativeBuffer(filters))];
        _responses = IsChannel ? [] : [.. _widths.Select(_ => new NativeBuffer((nint)batch * time * filters))];
        (_lengths, _places, _ties) = (new int[batch], new int[batch * Features], new int[batch * Features]);
    }

    /// <summary>B.</summary>
    public int Batch { get; private set; }

    /// <summary>T.</summary>
    public int Time { get; private set; }

    /// <summary>[B, T, E]: the sequences; the caller writes them before <see cref="Forward"/>.</summary>
    public float* Inputs => _inputs.Pointer;

    private int Features => _widths.Length * _filters;

    /// <summary>Whether a batch of this size has room.</summary>
    public bool Fits(int batch, int time) => batch <= _maximumBatch && time <= _maximumTime;

    /// <summary>Sets the size of the next batch.</summary>
    /// <param name="lengths">
    /// [B], the lengths of the sequences. Windows beyond a sequence's end are not looked at, but for the first where the sequence is shorter than it.
    /// </param>
    /// <param name="time">T.</param>
    /// <exception cref="ArgumentException">There is no room, or a filter is wider than T.</exception>
    public void SetBatch(ReadOnlySpan<int> lengths, int time)
    {
        if (!Fits(lengths.Length, time) || time < _widths.Max())
        {
            throw new ArgumentException($"{lengths.Length} sequences of {time} places: there is room for {_maximumBatch} of {_maximumTime}, and "
                + $"filters are up to {_widths.Max()} wide.");
        }

        (Batch, Time) = (lengths.Length, time);
        lengths.CopyTo(_lengths);
    }

    /// <summary>Copies the weights of a width; to be called whenever they have changed.</summary>
    /// <param name="index">The index of the width.</param>
    /// <param name="weight">[F, E, width].</param>
    /// <param name="bias">[F].</param>
    public void Pack(int index, float* weight, float* bias)
    {
        int width = _widths[index];
        for (int filter = 0; filter < _filters; filter++)
        {
            nint start = (nint)filter * width * _embedding;
            MatrixKernel.Transpose(weight + start, _embedding, width, _windows[index].Pointer + start, _embedding);
        }

        _weights[index].PackTransposed(_windows[index].Pointer);
        new ReadOnlySpan<float>(bias, _filters).CopyTo(new Span<float>(_biases[index].Pointer, _filters));
    }

    /// <summary>The features of the batch in <see cref="Inputs"/>.</summary>
    /// <param name="features">[B, W * F], receives max(0, the largest response), width by width.</param>
    public void Forward(float* features)
    {
        _parallel.For(Batch, SamplesWorthSharing, (first, end) =>
        {
            for (int index = 0; index < _widths.Length; index++)
            {
                for (int sample = first; sample < end; sample += SamplesWorthSharing)
                {
                    if (IsChannel)
                    {
                        TakeChannelMaxima(index, sample, Math.Min(SamplesWorthSharing, end - sample));
                        continue;
                    }

                    int samples = Math.Min(SamplesWorthSharing, end - sample);
                    Respond(index, sample * Time, samples * Time);
                    for (int which = sample; which < sample + samples; which++)
                    {
                        TakeMaxima(index, which);
                    }
                }
            }

            int start = first * Features, length = (end - first) * Features;
            new ReadOnlySpan<float>(_features.Pointer + start, length).CopyTo(new Span<float>(features + start, length));
        });
    }

    /// <summary>The gradients of the last <see cref="Forward"/>; all are overwritten.</summary>
    /// <param name="gradient">[B, W * F], with respect to the features.</param>
    /// <param name="inputs">[B, T, E], or null where not wanted.</param>
    /// <param name="weights">For each width [F, E, width], or null where none are wanted.</param>
    /// <param name="biases">For each width [F].</param>
    public void Backward(float* gradient, float* inputs, float*[]? weights, float*[]? biases)
    {
        if (inputs != null)
        {
            _parallel.For(Batch, SamplesWorthSharing, (first, end) =>
            {
                for (int sample = first; sample < end; sample++)
                {
                    if (IsChannel)
                    {
                        ChannelInputGradient(gradient, sample, inputs + (nint)sample * Time);
                    }
                    else
                    {
                        InputGradient(gradient, sample, inputs + (nint)sample * Time * _embedding);
                    }
                }
            });
        }

        if (weights is null)
        {
            return;
        }

        if (IsChannel)
        {
            ChannelWeightGradient(gradient, weights, biases!);
            return;
        }

        _parallel.For(Features, FeaturesWorthSharing, (first, end) =>
        {
            for (int feature = first; feature < end; feature++)
            {
                WeightGradient(gradient, feature, weights[feature / _filters], biases![feature / _filters]);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_inputs, _features, .. _weights, .. _windows, .. _biases, .. _responses])
        {
            part.Dispose();
        }
    }

    // The responses of one width at some rows of the batch, without the bias. Windows that reach into the next sequence are computed too, but never
    // looked at: one large product is cheaper than many small ones.
    private void Respond(int index, int firstRow, int rows)
    {
        int depth = _widths[index] * _embedding;
        for (int filter = 0; filter < _filters; filter += PackedMatrix.Panel)
        {
            MatrixKernel.Multiply(
                _inputs.Pointer + (nint)firstRow * _embedding, _embedding, 1, _weights[index].PanelStart(filter / PackedMatrix.Panel),
                    PackedMatrix.Panel,
                _responses[index].Pointer + (nint)firstRow * _filters + filter, _filters, rows, Math.Min(PackedMatrix.Panel, _filters - filter),
                    depth, accumulate: false);
        }
    }

    // Each filter's largest response in one sequence, its first place, and at how many places it is.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeMaxima(int index, int sample)
    {
        int* lanes = stackalloc int[Lanes];
        for (int filter = 0; filter < _filters; filter += Lanes)
        {
            int count = Math.Min(Lanes, _filters - filter);
            float* response = _responses[index].Pointer + (nint)sample * Time * _filters + filter;
            Vector512<float> largest = Load(response, count);
            Vector512<int> place = Vector512<int>.Zero, ties = Vector512<int>.One;
            int last = LastPlace(sample, index);
            for (int t = 1; t <= last; t++)
            {
                Vector512<float> here = Load(response + (nint)t * _filters, count);
                Vector512<int> above = Vector512.GreaterThan(here, largest).AsInt32();
                // A true comparison is all ones, which is -1.
                ties = Vector512.ConditionalSelect(above, Vector512<int>.One, ties - Vector512.Equals(here, largest).AsInt32());
                place = Vector512.ConditionalSelect(above, Vector512.Create(t), place);
                largest = Vector512.Max(largest, here);
            }

            int feature = sample * Features + index * _filters + filter;
            Store(Vector512.Max(largest + Load(_biases[index].Pointer + filter, count), Vector512<float>.Zero), _features.Pointer + feature, count);
            place.Store(lanes);
            new ReadOnlySpan<int>(lanes, count).CopyTo(_places.AsSpan(feature));
            ties.Store(lanes);
            new ReadOnlySpan<int>(lanes, count).CopyTo(_ties.AsSpan(feature));
        }
    }

    // Where the last window of a width within the sequence begins; 0 where none fits.
    private int LastPlace(int sample, int index) => Math.Max(0, _lengths[sample] - _widths[index]);

    private void InputGradient(float* gradient, int sample, float* destination)
    {
        new Span<float>(destination, Time * _embedding).Clear();
        for (int feature = 0; feature < Features; feature++)
        {
            int index = feature / _filters, length = _widths[index] * _embedding;
            float share = Share(gradient, sample, feature);
            float* window = _windows[index].Pointer + (nint)(feature % _filters) * length;
            for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
            {
                AddScaled(window, share, destination + (nint)place * _embedding, length);
            }
        }
    }

    private void WeightGradient(float* gradient, int feature, float* weights, float* biases)
    {
        int index = feature / _filters, filter = feature % _filters, width = _widths[index], length = width * _embedding;
        float* sum = stackalloc float[length];
        new Span<float>(sum, length).Clear();
        float total = 0;
        for (int sample = 0; sample < Batch; sample++)
        {
            float share = Share(gradient, sample, feature);
            for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
            {
                AddScaled(_inputs.Pointer + ((nint)sample * Time + place) * _embedding, share, sum, length);
                total += share;
            }
        }

        MatrixKernel.Transpose(sum, width, _embedding, weights + (nint)filter * length, width);
        biases[filter] = total;
    }

    // The gradient of a feature, divided among the places of its maximum; 0 where the rectifier is at zero.
    private float Share(float* gradient, int sample, int feature)
    {
        nint at = (nint)sample * Features + feature;
        return _features.Pointer[at] > 0 ? (_ties[at] == 1 ? gradient[at] : gradient[at] / _ties[at]) : 0f;
    }

    private int FirstPlace(float share, int sample, int feature) => share == 0 ? -1 : _places[sample * Features + feature];

    private int NextPlace(int sample, int feature, int place)
    {
        int index = feature / _filters;
        if (_ties[sample * Features + feature] == 1)
        {
            return -1;
        }

        if (IsChannel)
        {
            return NextChannelPlace(sample, index, feature % _filters, place);
        }

        float* responses = _responses[index].Pointer + (nint)sample * Time * _filters + feature % _filters;
        float largest = responses[(nint)_places[sample * Features + feature] * _filters];
        for (place++; place <= LastPlace(sample, index); place++)
        {
            if (responses[(nint)place * _filters] == largest)
            {
                return place;
            }
        }

        return -1;
    }
}
