using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <content>
/// Filters of one number a place, as RelGAN has them. A window is too short for a product of matrices, and the responses of all places are far more than
/// what they are made of; so each filter's responses are made again where they are needed, and never kept.
/// </content>
public sealed unsafe partial class FilterMaxima
{
    private bool IsChannel => _embedding == 1;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeChannelMaxima(int index, int firstSample, int samples)
    {
        int width = _widths[index];
        int* lanes = stackalloc int[Lanes];
        for (int sample = firstSample; sample < firstSample + samples; sample++)
        {
            float* inputs = _inputs.Pointer + (nint)sample * Time;
            int last = LastPlace(sample, index);
            for (int filter = 0; filter < _filters; filter += Lanes)
            {
                int count = Math.Min(Lanes, _filters - filter);
                // A panel's rows end with zeros.
                float* weights = _weights[index].PanelStart(filter / PackedMatrix.Panel) + filter % PackedMatrix.Panel;
                Vector512<float> largest = Response(inputs, weights, width);
                Vector512<int> place = Vector512<int>.Zero, ties = Vector512<int>.One;
                for (int t = 1; t <= last; t++)
                {
                    Vector512<float> here = Response(inputs + t, weights, width);
                    Vector512<int> above = Vector512.GreaterThan(here, largest).AsInt32();
                    ties = Vector512.ConditionalSelect(above, Vector512<int>.One, ties - Vector512.Equals(here, largest).AsInt32());
                    place = Vector512.ConditionalSelect(above, Vector512.Create(t), place);
                    largest = Vector512.Max(largest, here);
                }

                int feature = sample * Features + index * _filters + filter;
                Store(Vector512.Max(largest + Load(_biases[index].Pointer + filter, count), Vector512<float>.Zero), _features.Pointer + feature,
                    count);
                place.Store(lanes);
                new ReadOnlySpan<int>(lanes, count).CopyTo(_places.AsSpan(feature));
                ties.Store(lanes);
                new ReadOnlySpan<int>(lanes, count).CopyTo(_ties.AsSpan(feature));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Response(float* window, float* weights, int width)
    {
        Vector512<float> sum = Vector512.Create(*window) * Vector512.Load(weights);
        for (int k = 1; k < width; k++)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(window[k]), Vector512.Load(weights + k * PackedMatrix.Panel), sum);
        }

        return sum;
    }

    private float ResponseOf(float* window, int index, int filter)
    {
        float* weights = _windows[index].Pointer + (nint)filter * _widths[index];
        float sum = *window * *weights;
        for (int k = 1; k < _widths[index]; k++)
        {
            sum = MathF.FusedMultiplyAdd(window[k], weights[k], sum);
        }

        return sum;
    }

    private int NextChannelPlace(int sample, int index, int filter, int place)
    {
        float* inputs = _inputs.Pointer + (nint)sample * Time;
        float largest = ResponseOf(inputs + _places[sample * Features + index * _filters + filter], index, filter);
        for (place++; place <= LastPlace(sample, index); place++)
        {
            if (ResponseOf(inputs + place, index, filter) == largest)
            {
                return place;
            }
        }

        return -1;
    }

    private void ChannelInputGradient(float* gradient, int sample, float* destination)
    {
        new Span<float>(destination, Time).Clear();
        for (int feature = 0; feature < Features; feature++)
        {
            int index = feature / _filters, width = _widths[index];
            float share = Share(gradient, sample, feature);
            float* window = _windows[index].Pointer + (nint)(feature % _filters) * width;
            for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
            {
                for (int k = 0; k < width; k++)
                {
                    destination[place + k] = MathF.FusedMultiplyAdd(share, window[k], destination[place + k]);
                }
            }
        }
    }

    // A panel of features at a time, so that the batch's rows are read in whole cache lines.
    private void ChannelWeightGradient(float* gradient, float*[] weights, float*[] biases)
    {
        int panels = (_filters + PackedMatrix.Panel - 1) / PackedMatrix.Panel;
        _parallel.For(_widths.Length * panels, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                int index = task / panels, filter = task % panels * PackedMatrix.Panel;
                ChannelWeightGradient(gradient, index, filter, Math.Min(PackedMatrix.Panel, _filters - filter), weights[index], biases[index]);
            }
        });
    }

    private void ChannelWeightGradient(float* gradient, int index, int firstFilter, int count, float* weights, float* biases)
    {
        int width = _widths[index];
        new Span<float>(weights + (nint)firstFilter * width, count * width).Clear();
        new Span<float>(biases + firstFilter, count).Clear();
        for (int sample = 0; sample < Batch; sample++)
        {
            float* inputs = _inputs.Pointer + (nint)sample * Time;
            for (int filter = firstFilter; filter < firstFilter + count; filter++)
            {
                int feature = index * _filters + filter;
                float share = Share(gradient, sample, feature);
                float* sum = weights + (nint)filter * width;
                for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
                {
                    for (int k = 0; k < width; k++)
                    {
                        sum[k] = MathF.FusedMultiplyAdd(share, inputs[place + k], sum[k]);
                    }

                    biases[filter] += share;
                }
            }
        }
    }
}
