using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <content>
/// Filters over sequences of scalars (E = 1), as in RelGAN (Nie, Narodytska and Patel 2019). A window is too short for a matrix product to pay, and
/// the responses take far more memory than the inputs; so responses are computed again where they are needed, and never stored.
/// </content>
public sealed unsafe partial class FilterMaxima
{
    // The widest window for which AddWindows has a register for each sum.
    private const int LongestWindow = 5;

    private bool IsChannel => _embedding == 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeChannelMaxima(int index, int firstSample, int samples)
    {
        int width = _widths[index];
        for (int sample = firstSample; sample < firstSample + samples; sample++)
        {
            float* inputs = _inputs.Pointer + (nint)sample * Time;
            int last = LastPlace(sample, index);
            // A comparison with NaN is false, so that the search would pass over it. This sum is NaN where an input is NaN or infinite, else 0.
            float nanOrZero = 0;
            for (int t = 0; t < Time; t++)
            {
                nanOrZero += inputs[t] * 0;
            }

            for (int filter = 0; filter < _filters; filter += Lanes)
            {
                int count = Math.Min(Lanes, _filters - filter);
                // Whole vectors can be read, since the rows of a panel are padded with zeros.
                float* weights = _weights[index].PanelStart(filter / PackedMatrix.Panel) + filter % PackedMatrix.Panel;
                Vector512<float> largest = Response(inputs, weights, width);
                Vector512<int> place = Vector512<int>.Zero, ties = Vector512<int>.One;
                for (int t = 1; t <= last; t++)
                {
                    Vector512<float> here = Response(inputs + t, weights, width);
                    Vector512<float> above = Vector512.GreaterThan(here, largest);
                    ties = Vector512.ConditionalSelect(above.AsInt32(), Vector512<int>.One, ties - Vector512.Equals(here, largest).AsInt32());
                    place = Vector512.ConditionalSelect(above.AsInt32(), Vector512.Create(t), place);
                    largest = Vector512.ConditionalSelect(above, here, largest);
                }

                int feature = sample * Features + index * _filters + filter;
                largest += Load(_biases[index].Pointer + filter, count) + Vector512.Create(nanOrZero);
                Store(Vector512.Max(largest, Vector512<float>.Zero), _features.Pointer + feature, count);
                StoreWhole(place, _places, feature, count);
                StoreWhole(ties, _ties, feature, count);
            }
        }
    }

    private static void StoreWhole(Vector512<int> value, int[] destination, int at, int count)
    {
        if (count == Lanes)
        {
            value.CopyTo(destination, at);
            return;
        }

        int* lanes = stackalloc int[Lanes];
        value.Store(lanes);
        new ReadOnlySpan<int>(lanes, count).CopyTo(destination.AsSpan(at));
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

    // Each place adds the windows of all features whose maximum is there. Features with ties, and wide windows, are added one by one.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ChannelInputGradient(float* gradient, int sample, float* destination)
    {
        new Span<float>(destination, Time).Clear();
        int padded = (_filters + Lanes - 1) / Lanes * Lanes;
        float* shares = stackalloc float[padded];
        int* places = stackalloc int[padded];
        new Span<float>(shares, padded).Clear();
        new Span<int>(places, padded).Clear();
        for (int index = 0; index < _widths.Length; index++)
        {
            int first = sample * Features + index * _filters, width = _widths[index];
            bool isTied = TakeShares(gradient, first, shares, places);
            if (width <= LongestWindow)
            {
                for (int t = 0; t <= LastPlace(sample, index); t++)
                {
                    AddWindows(index, width, t, shares, places, destination + t);
                }
            }

            for (int filter = 0; (isTied || width > LongestWindow) && filter < _filters; filter++)
            {
                if (width > LongestWindow || _ties[first + filter] > 1)
                {
                    AddWindow(gradient, sample, index, filter, destination);
                }
            }
        }
    }

    private void AddWindow(float* gradient, int sample, int index, int filter, float* destination)
    {
        int feature = index * _filters + filter, width = _widths[index];
        float share = Share(gradient, sample, feature);
        float* window = _windows[index].Pointer + (nint)filter * width;
        for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
        {
            for (int k = 0; k < width; k++)
            {
                destination[place + k] = MathF.FusedMultiplyAdd(share, window[k], destination[place + k]);
            }
        }
    }

    // The gradients of one sequence's features of a width and the places of their maxima. A gradient is 0 where the rectifier stops it or where
    // places tie; returns whether any do.
    private bool TakeShares(float* gradient, int first, float* shares, int* places)
    {
        bool isTied = false;
        for (int filter = 0; filter < _filters; filter++)
        {
            bool isPositive = _features.Pointer[first + filter] > 0, isAlone = _ties[first + filter] == 1;
            shares[filter] = isPositive && isAlone ? gradient[first + filter] : 0;
            places[filter] = _places[first + filter];
            isTied |= isPositive && !isAlone;
        }

        return isTied;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddWindows(int index, int width, int place, float* shares, int* places, float* destination)
    {
        Vector512<int> here = Vector512.Create(place);
        Vector512<float> sum0 = Vector512<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0, sum4 = sum0;
        for (int filter = 0; filter < _filters; filter += Lanes)
        {
            Vector512<float> share = Vector512.ConditionalSelect(
                Vector512.Equals(Vector512.Load(places + filter), here).AsSingle(), Vector512.Load(shares + filter), Vector512<float>.Zero);
            float* weights = _weights[index].PanelStart(filter / PackedMatrix.Panel) + filter % PackedMatrix.Panel;
            sum0 = Vector512.FusedMultiplyAdd(share, Vector512.Load(weights), sum0);
            sum1 = width > 1 ? Vector512.FusedMultiplyAdd(share, Vector512.Load(weights + PackedMatrix.Panel), sum1) : sum1;
            sum2 = width > 2 ? Vector512.FusedMultiplyAdd(share, Vector512.Load(weights + 2 * PackedMatrix.Panel), sum2) : sum2;
            sum3 = width > 3 ? Vector512.FusedMultiplyAdd(share, Vector512.Load(weights + 3 * PackedMatrix.Panel), sum3) : sum3;
            sum4 = width > 4 ? Vector512.FusedMultiplyAdd(share, Vector512.Load(weights + 4 * PackedMatrix.Panel), sum4) : sum4;
        }

        AddSum(sum0, destination, 0, width);
        AddSum(sum1, destination, 1, width);
        AddSum(sum2, destination, 2, width);
        AddSum(sum3, destination, 3, width);
        AddSum(sum4, destination, 4, width);
    }

    private static void AddSum(Vector512<float> sum, float* destination, int k, int width)
    {
        if (k < width)
        {
            destination[k] += Sum(sum);
        }
    }

    // A panel of features at a time, so that the rows of the batch are read in whole cache lines.
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ChannelWeightGradient(float* gradient, int index, int firstFilter, int count, float* weights, float* biases)
    {
        int width = _widths[index];
        bool isShort = Avx512F.IsSupported && Time <= 2 * Lanes;
        // [width + 1, 64]: sums for each place of a window, and for the bias.
        using var memory = new NativeBuffer((nint)(width + 1) * PackedMatrix.Panel);
        float* sums = memory.Pointer, row = stackalloc float[2 * Lanes];
        new Span<float>(row, 2 * Lanes).Clear();
        for (int sample = 0; sample < Batch; sample++)
        {
            float* inputs = _inputs.Pointer + (nint)sample * Time;
            if (isShort)
            {
                new ReadOnlySpan<float>(inputs, Time).CopyTo(new Span<float>(row, 2 * Lanes));
            }

            for (int part = 0; part < count; part += Lanes)
            {
                int lanes = Math.Min(Lanes, count - part), feature = index * _filters + firstFilter + part, at = sample * Features + feature;
                if (!isShort || lanes < Lanes || !AddInputs(gradient + at, at, width, row, sums + part))
                {
                    for (int lane = 0; lane < lanes; lane++)
                    {
                        AddInputs(gradient, sample, feature + lane, width, inputs, sums + part + lane);
                    }
                }
            }
        }

        for (int filter = 0; filter < count; filter++)
        {
            for (int k = 0; k < width; k++)
            {
                weights[(nint)(firstFilter + filter) * width + k] = sums[k * PackedMatrix.Panel + filter];
            }

            biases[firstFilter + filter] = sums[width * PackedMatrix.Panel + filter];
        }
    }

    // Adds the windows at the maxima of sixteen features of a sequence. Where one of them has ties, it returns false and does nothing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool AddInputs(float* gradient, int at, int width, float* row, float* sums)
    {
        ref int ties = ref _ties[at], places = ref _places[at];
        if (!Vector512.EqualsAll(Vector512.LoadUnsafe(ref ties), Vector512<int>.One))
        {
            return false;
        }

        Vector512<float> share = Vector512.ConditionalSelect(
            Vector512.GreaterThan(Vector512.Load(_features.Pointer + at), Vector512<float>.Zero), Vector512.Load(gradient), Vector512<float>.Zero);
        Vector512<int> place = Vector512.LoadUnsafe(ref places);
        Vector512<float> early = Vector512.Load(row), late = Vector512.Load(row + Lanes);
        for (int k = 0; k < width; k++, sums += PackedMatrix.Panel, place += Vector512<int>.One)
        {
            Vector512.FusedMultiplyAdd(share, Avx512F.PermuteVar16x32x2(early, place, late), Vector512.Load(sums)).Store(sums);
        }

        (Vector512.Load(sums) + share).Store(sums);
        return true;
    }

    private void AddInputs(float* gradient, int sample, int feature, int width, float* inputs, float* sums)
    {
        float share = Share(gradient, sample, feature);
        for (int place = FirstPlace(share, sample, feature); place >= 0; place = NextPlace(sample, feature, place))
        {
            for (int k = 0; k < width; k++)
            {
                sums[k * PackedMatrix.Panel] = MathF.FusedMultiplyAdd(share, inputs[place + k], sums[k * PackedMatrix.Panel]);
            }

            sums[width * PackedMatrix.Panel] += share;
        }
    }
}
