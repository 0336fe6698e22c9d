using GumbelGan.Generators;
using GumbelGan.Tests.Kernels;

namespace GumbelGan.Tests.Generators;

/// <summary>
/// An LSTM generator of any number of layers in double precision and plain loops, one sequence without an end: the definition once more.
/// </summary>
internal sealed class ReferenceRollout(LstmGenerator generator)
{
    private readonly int _layers = generator.Options.Layers, _hidden = generator.Options.Hidden;

    /// <summary>The generator's weights, in its own order.</summary>
    public Dictionary<string, double[]> Weights { get; } = generator.named_parameters()
        .ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray().Select(value => (double)value).ToArray());

    /// <summary>Logits [V] at each place, the inputs after the first given as mixtures [V] of embeddings.</summary>
    public double[][] Logits(int time, Func<int, double[], double[]> next)
    {
        int vocabulary = generator.Format.Vocabulary, width = generator.Options.Embedding;
        double[][] hidden = Zeros(), cell = Zeros();
        double[][] logits = new double[time][];
        double[] mixture = new double[vocabulary];
        mixture[generator.Format.BeginId] = 1;
        for (int t = 0; t < time; t++)
        {
            double[] below =
                [.. Enumerable.Range(0, width).Select(e => mixture.Select((share, v) => share * Weights["embedding.weight"][v * width + e]).Sum())];
            for (int layer = 0; layer < _layers; layer++)
            {
                (hidden[layer], cell[layer]) = Cell(layer, below, hidden[layer], cell[layer]);
                below = hidden[layer];
            }

            logits[t] = [.. Product(Weights["output.weight"], below).Zip(Weights["output.bias"], (product, bias) => product + bias)];
            foreach (int never in generator.Format.NeverGenerated)
            {
                logits[t][never] += RecurrentGenerator.NeverLogit;
            }

            mixture = next(t, logits[t]);
        }

        return logits;
    }

    /// <summary>Nats of a sequence under the model.</summary>
    public double NegativeLogLikelihood(long[] ids) => Logits(ids.Length, (t, _) => OneHot((int)ids[t]))
        .Select((logits, t) => -Math.Log(Reference.Softmax(logits, 1)[ids[t]])).Sum();

    public double[] OneHot(int id)
    {
        double[] row = new double[generator.Format.Vocabulary];
        row[id] = 1;
        return row;
    }

    // Gates in PyTorch's order: input, forget, candidate, output.
    private (double[] Hidden, double[] Cell) Cell(int layer, double[] input, double[] hidden, double[] cell)
    {
        double[] ofInput = Product(Weights[$"cell{layer}.weight_ih"], input), ofHidden = Product(Weights[$"cell{layer}.weight_hh"], hidden);
        double Gate(int part, int unit)
        {
            int row = part * _hidden + unit;
            return ofInput[row] + ofHidden[row] + Weights[$"cell{layer}.bias_ih"][row] + Weights[$"cell{layer}.bias_hh"][row];
        }

        double[] memory = [.. cell.Select((old, unit) =>
            Reference.Sigmoid(Gate(1, unit)) * old + Reference.Sigmoid(Gate(0, unit)) * Math.Tanh(Gate(2, unit)))];
        return ([.. memory.Select((value, unit) => Reference.Sigmoid(Gate(3, unit)) * Math.Tanh(value))], memory);
    }

    private static double[] Product(double[] matrix, double[] vector) =>
        [.. Enumerable.Range(0, matrix.Length / vector.Length)
            .Select(row => vector.Select((value, column) => matrix[row * vector.Length + column] * value).Sum())];

    private double[][] Zeros() => [.. Enumerable.Range(0, _layers).Select(_ => new double[_hidden])];
}
